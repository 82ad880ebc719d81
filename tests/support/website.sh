#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# What ./run starts, for tests: a private Janus with the plugin, and nginx with
# the page, configured by the same scripts. Prints "ready PAGE-PORT WS-PORT
# HTTP-PORT JANUS-PID", then obeys lines of standard input:
#
#     restart    kills Janus outright and starts it again; prints "ready …" once it listens
#     down, up   the same in two steps; down prints "down"
#
# Ends when its standard input ends; exits with 3 if a sanitizer reported something.
# Needs DH_BUILD, the folder of the build, and DH_PORTS, five that nobody else takes, not even
# while Janus is down; DH_JANUS may name another Janus's prefix, DH_TURN a TURN server as
# ./run --turn takes it. Room 1 is ./run's (secret demo);
# room 2 has a PIN (1234) and a secret (open) of its own and no generator.

. "$(dirname "$(readlink -f "$0")")/../../scripts/lib.sh"
. "$root/scripts/janus.sh"
. "$root/scripts/demo.sh"
. "$root/scripts/gateway.sh"

build=${DH_BUILD:?} janus_prefix=${DH_JANUS:-} turn=${DH_TURN:-}
read -r page_port http_port ws_port admin_port push_port <<< "${DH_PORTS:?}"
demo=$build/demo
(flock 9; render_demo "$demo" "$build" >&2) 9> "$build/.demo.lock" || exit 1

make_temp
find_janus
sanitizer=$(ldd "$build/libjanus_digitalhuman.so" | awk '/libasan/ { print $3 }')
if [ -n "$sanitizer" ]; then # its runtime must be loaded before the plugin
	printf '#!/bin/sh\nexec env LD_PRELOAD=%s %s "$@"\n' "$sanitizer" "$janus" > "$temp/bin/janus"
	chmod 755 "$temp/bin/janus"
	janus=$temp/bin/janus
fi
place_programs
configure_janus
configure_plugin "$demo/idle.mp4" "$demo/segments"
cat >> "$temp/conf/janus.plugin.digitalhuman.jcfg" <<-JCFG
	room-reception: {
		id = 2
		description = "Reception"
		avatar = "demo"
		pin = "1234"
		secret = "open"
	}
JCFG
write_settings "$demo/segments"
start_janus
wait_for_room
start_nginx

judge() {
	[ -z "${DH_KEEP_LOG:-}" ] || cp "$temp/janus.log" "$DH_KEEP_LOG"
	! grep -A40 -E 'ERROR: (Address|Leak)Sanitizer|runtime error:' "$temp/janus.log" >&2 || exit 3
}
ready() { echo "ready $page_port $ws_port $http_port $janus_pid"; }
ready
while read -r line; do
	case $line in
		restart | down) kill -KILL "$janus_pid"; wait "$janus_pid" 2> /dev/null; judge ;;&
		down) echo down ;;
		restart | up) start_janus; ready ;;
	esac
done
end_process "$janus_pid" 15
judge
