# SPDX-License-Identifier: GPL-3.0-or-later
# The demonstration: an avatar and its segments, made by dh-talker once, and again
# whenever the programs or this file have changed. Sourced by ./run after lib.sh.

# Name, voice and text of each segment.
demo_lines() {
	cat <<-'LINES'
		hello.mp4|en-gb|Hello! I am a digital human. Everybody who watches this room sees and hears me at the same moment.
		between.mp4|en-gb|Between my sentences I stay alive: I breathe, I blink, and I wait for what you give me to say next.
		guten-tag.webm|de|Guten Tag! Ich spreche auch Deutsch, und meine Lippen folgen jedem Laut.
		goodbye.dhs|en-us|That was all for now. Thank you for watching, and goodbye!
	LINES
}

# In the form in which lip-sync models write their results: H.264 and AAC, the index
# last.
to_mp4() {
	ffmpeg -nostdin -loglevel error -y -i "$1" -c:v libx264 -preset veryfast -crf 16 -pix_fmt yuv420p \
		-c:a aac -b:a 128k "$2"
}
to_webm() {
	ffmpeg -nostdin -loglevel error -y -i "$1" -c:v libvpx -deadline realtime -cpu-used 4 -b:v 2M \
		-c:a libopus -b:a 96k "$2"
}

# render_demo FOLDER BUILD: makes FOLDER/idle.mp4 and the segments in FOLDER/segments.
render_demo() {
	local folder=$1 talker=$2/dh-talker prepare=$2/dh-prepare key
	key=$(cat "$talker" "$prepare" "$root/scripts/demo.sh" | sha256sum)
	[ "$(cat "$folder/made-from" 2> /dev/null)" != "$key" ] || return 0
	say "Drawing the demonstration's avatar and segments"
	local work=$folder.new name voice text raw
	raw=$work/raw.mkv
	rm -rf "$work" && mkdir -p "$work/segments" || die "cannot make $work"
	"$talker" --idle 9 -o "$raw" && to_mp4 "$raw" "$work/idle.mp4" || die "the idle clip could not be made"
	while IFS='|' read -r name voice text; do
		"$talker" --voice "$voice" -o "$raw" "$text" < /dev/null || die "dh-talker failed"
		case $name in
			*.mp4) to_mp4 "$raw" "$work/segments/$name" ;;
			*.webm) to_webm "$raw" "$work/segments/$name" ;;
			*.dhs) "$prepare" --quiet "$raw" -o "$work/segments/$name" < /dev/null ;;
		esac || die "$name could not be made"
	done < <(demo_lines)
	rm -f "$raw"
	printf '%s' "$key" > "$work/made-from"
	rm -rf "$folder" && mv "$work" "$folder"
}
