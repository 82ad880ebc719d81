# SPDX-License-Identifier: GPL-3.0-or-later
# Makes one program of Python files, of which each uses the ones before:
#
#     awk -v release=0.1.0 -f join.awk exposition.py answer.py main.py > dh-metrics
#
# Their imports of each other are left out.

BEGIN {
	print "#!/usr/bin/python3"
	for (i = 1; i < ARGC; i++) {
		name = ARGV[i]
		sub(/.*\//, "", name); sub(/\.py$/, "", name)
		is_part[name] = 1
	}
}
FNR == 1 { print (NR > 1 ? "\n\n" : "") $0; next }
$1 == "from" && $2 in is_part { next }
{ sub(/@VERSION@/, release); print }
