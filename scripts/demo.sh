# The demonstration's segments: made once by dh-talker into $1, and again where
# the program or this file has changed. Sourced by ./run after lib.sh.

# Name, voice and text of each. hello and weather become MP4 with H.264 and AAC
# and the index last, as lip-sync models write their results.
demo_lines() {
	cat <<-'LINES'
		hello|en|Hello! I am a digital human. Everybody who watches this room sees and hears me at the same moment.
		weather|en|Between my sentences I stay alive: I breathe, I blink, and I wait for what you give me to say next.
		guten-tag|de|Guten Tag! Ich spreche auch Deutsch, und meine Lippen folgen jedem Laut.
		goodbye|en|That was all for now. Thank you for watching, and goodbye!
	LINES
}

# render FOLDER BUILD
render_demo() {
	local folder=$1 talker=$2/dh-talker prepare=$2/dh-prepare key
	key=$(cat "$talker" "$prepare" "$root/scripts/demo.sh" | sha256sum)
	[ "$(cat "$folder/.made-from" 2> /dev/null)" != "$key" ] || return 0
	say "Drawing the demonstration's segments"
	local work=$folder.new name voice text
	rm -rf "$work" && mkdir -p "$work" || die "cannot make $work"
	"$talker" --idle 9 -o "$work/.idle.mkv" || die "dh-talker failed"
	while IFS='|' read -r name voice text; do
		"$talker" --voice "$voice" -o "$work/.$name.mkv" "$text" < /dev/null || die "dh-talker failed"
		case $name in
			hello | weather)
				ffmpeg -nostdin -loglevel error -y -i "$work/.$name.mkv" -c:v libx264 -preset veryfast -crf 18 \
					-pix_fmt yuv420p -c:a aac -b:a 128k "$work/$name.mp4" || die "ffmpeg failed" ;;
			goodbye)
				"$prepare" "$work/.$name.mkv" -o "$work/$name.dhs" || die "dh-prepare failed" ;;
			*)
				cp "$work/.$name.mkv" "$work/$name.mkv" ;;
		esac
		[ "$name" = guten-tag ] || rm -f "$work/.$name.mkv"
	done < <(demo_lines)
	rm -f "$work/.guten-tag.mkv"
	printf '%s' "$key" > "$work/.made-from"
	rm -rf "$folder" && mv "$work" "$folder"
}
