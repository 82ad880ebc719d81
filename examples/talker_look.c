/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "talker_look.h"

#include <stddef.h>
#include <string.h>

/* clang-format off */
static const struct dh_look looks[] = {
	{
		.name = "ada", .about = "chestnut bob, green blazer",
		.voice_variant = "f3", .pitch = 52,
		.skin_light = 0xffe9d9, .skin = 0xf6cfb4, .skin_shade = 0xdc9f82, .skin_deep = 0xb8735a,
		.blush = 0xf08a7a,
		.lip_upper = 0xbf5a5c, .lip_lower = 0xd67a76, .lip_light = 0xf6b7ae,
		.hair_dark = 0x38201a, .hair = 0x5f3627, .hair_light = 0xa4684a, .brow = 0x55301f,
		.iris_dark = 0x2e4a3c, .iris = 0x4f8268, .iris_light = 0xa9d3a8,
		.clothes_dark = 0x17474a, .clothes = 0x24666a, .clothes_light = 0x3b8a8b, .shirt = 0xfaf4ea,
		.wall_light = 0xf3ede6, .wall = 0xdfd9d6, .wall_dark = 0xb9b9c4, .wall_glow = 0xffe0bf,
		.hair_style = DH_HAIR_BOB, .clothes_style = DH_CLOTHES_BLAZER,
		.jaw = 58, .brow_size = 1.0, .lip_size = 1.0, .lashes = 1.0, .shoulders = 176,
	},
	{
		.name = "leo", .about = "short dark hair, glasses, blue sweater",
		.voice_variant = "m3", .pitch = 42,
		.skin_light = 0xffe2c6, .skin = 0xeebf97, .skin_shade = 0xcf9068, .skin_deep = 0xa3623f,
		.blush = 0xe58a6d,
		.lip_upper = 0xb0655a, .lip_lower = 0xc77f70, .lip_light = 0xe8b09f,
		.hair_dark = 0x17161b, .hair = 0x2d2a32, .hair_light = 0x5e5966, .brow = 0x25211f,
		.iris_dark = 0x3a2415, .iris = 0x6d4526, .iris_light = 0xb98a56,
		.clothes_dark = 0x22335a, .clothes = 0x33497c, .clothes_light = 0x506aa3, .shirt = 0xf2f4f8,
		.wall_light = 0xe3edf1, .wall = 0xc6d6de, .wall_dark = 0x93aabb, .wall_glow = 0xfff3dc,
		.hair_style = DH_HAIR_SHORT, .clothes_style = DH_CLOTHES_SWEATER,
		.jaw = 65, .brow_size = 1.45, .lip_size = 0.82, .lashes = 0.25, .shoulders = 202,
		.glasses = 1, .beard = 1,
	},
	{
		.name = "maya", .about = "dark curls, ochre blouse, earrings",
		.voice_variant = "f2", .pitch = 48,
		.skin_light = 0xc98a62, .skin = 0xa5683f, .skin_shade = 0x7e4829, .skin_deep = 0x562d18,
		.blush = 0xc05a3c,
		.lip_upper = 0x7d3a37, .lip_lower = 0xa2504a, .lip_light = 0xd98f80,
		.hair_dark = 0x120c0c, .hair = 0x2a1b18, .hair_light = 0x5c4037, .brow = 0x1c1210,
		.iris_dark = 0x1f120a, .iris = 0x4a2c17, .iris_light = 0x8d6038,
		.clothes_dark = 0xa86a17, .clothes = 0xd08f2b, .clothes_light = 0xe9b75a, .shirt = 0xd08f2b,
		.wall_light = 0xe9ecea, .wall = 0xc3d4cf, .wall_dark = 0x8fa9a6, .wall_glow = 0xfbe9d2,
		.hair_style = DH_HAIR_CURLS, .clothes_style = DH_CLOTHES_BLOUSE,
		.jaw = 59, .brow_size = 1.15, .lip_size = 1.25, .lashes = 1.0, .shoulders = 172,
		.earrings = 1,
	},
};
/* clang-format on */

const struct dh_look *dh_look_at(unsigned index)
{
	return index < sizeof(looks) / sizeof(looks[0]) ? &looks[index] : NULL;
}

const struct dh_look *dh_look_find(const char *name)
{
	const struct dh_look *look = &looks[0];

	for (unsigned i = 0; name && (look = dh_look_at(i)) != NULL; i++)
		if (!strcmp(look->name, name))
			break;
	return look;
}
