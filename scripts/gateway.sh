# SPDX-License-Identifier: GPL-3.0-or-later
# A private Janus with our plugin and a web server in front of it. Their configuration,
# logs and state are all in $temp. Sourced by ./run after lib.sh and janus.sh.
#
# Needs $build (the folder of the build), $janus_prefix ("": the system's) and
# $page_port. Sets the process ids, and the ports that are not set: http_port, ws_port, admin_port and push_port.

room=1 room_secret=demo admin_secret=demo

make_temp() {
	temp=$(mktemp -d "${TMPDIR:-/tmp}/digitalhuman.XXXXXX") || die "cannot make a temporary folder"
	at_exit 'rm -rf "$temp"'
	chmod 755 "$temp" # workers and the web server run as another user
	mkdir "$temp/conf" "$temp/plugins" "$temp/transports" "$temp/none" "$temp/bin" "$temp/web" "$temp/cache"
	chmod 700 "$temp/conf" "$temp/cache"
}

find_janus() {
	if [ -n "$janus_prefix" ]; then
		janus=$janus_prefix/bin/janus
	else
		janus=$(command -v janus) || die "janus is not installed"
	fi
	[ -x "$janus" ] || die "there is no Janus in $janus_prefix ($janus does not exist)"
	janus_lib=$(dirname "$(make_variable "$build" janusplugindir)")
	local transport
	for transport in http websockets; do
		[ -e "$janus_lib/transports/libjanus_$transport.so" ] \
			|| die "this Janus has no $transport transport ($janus_lib/transports/libjanus_$transport.so)"
		ln -s "$janus_lib/transports/libjanus_$transport.so" "$temp/transports/"
	done
	ln -s "$build/libjanus_digitalhuman.so" "$temp/plugins/"
}

# If Janus runs as root, its workers and generators run as nobody, who must be able to
# reach the programs. A checkout in a private home folder is out of reach, so they run
# from copies.
place_programs() {
	local name
	for name in dh-fetch dh-prepare dh-scope dh-open dh-record dh-talker; do
		if [ "$(id -u)" = 0 ] && ! setpriv --reuid nobody --regid nogroup --clear-groups \
			test -x "$build/$name" 2> /dev/null; then
			install -m 755 "$build/$name" "$temp/bin/$name" || die "cannot copy $name"
		else
			ln -s "$build/$name" "$temp/bin/$name"
		fi
	done
}

# --turn URL,USER,PASSWORD for the gateway; the page gets them in its settings.
turn_settings() {
	[ -n "$turn" ] || return 0
	local url user password rest host port type=udp
	url=${turn%%,*} rest=${turn#*,}
	user=${rest%%,*} password=${rest#*,}
	rest=${url#turn:}
	case $url in
		turns:*) type=tls rest=${url#turns:} ;;
		*transport=tcp*) type=tcp ;;
	esac
	rest=${rest%%\?*}
	host=${rest%:*} port=${rest##*:}
	[ "$host" != "$rest" ] || { port=3478; [ "$type" != tls ] || port=5349; }
	printf '\tturn_server = %s\n\tturn_port = %s\n\tturn_type = "%s"\n\tturn_user = %s\n\tturn_pwd = %s\n' \
		"$(quoted "$host")" "$port" "$type" "$(quoted "$user")" "$(quoted "$password")"
}

configure_janus() {
	http_port=$(free_port "${http_port:-8088}")
	ws_port=$(free_port "${ws_port:-8188}" "$http_port")
	admin_port=$(free_port "${admin_port:-7088}" "$http_port" "$ws_port")
	push_port=$(free_port "${push_port:-8189}" "$http_port" "$ws_port" "$admin_port")
	local address
	address=$(own_address) || exit 1
	cat > "$temp/conf/janus.jcfg" <<-JCFG
		general: {
			configs_folder = $(quoted "$temp/conf")
			plugins_folder = $(quoted "$temp/plugins")
			transports_folder = $(quoted "$temp/transports")
			events_folder = $(quoted "$temp/none")
			loggers_folder = $(quoted "$temp/none")
			debug_level = 4
			debug_timestamps = true
			admin_secret = $(quoted "$admin_secret")
		}
		nat: {
			ice_enforce_list = "$address"
			ignore_mdns = true
		$(turn_settings)
		}
	JCFG
	cat > "$temp/conf/janus.transport.http.jcfg" <<-JCFG
		general: {
			json = "compact"
			base_path = "/janus"
			http = true
			port = $http_port
			ip = "127.0.0.1"
			https = false
		}
		admin: {
			admin_base_path = "/admin"
			admin_http = true
			admin_port = $admin_port
			admin_ip = "127.0.0.1"
			admin_https = false
		}
	JCFG
	cat > "$temp/conf/janus.transport.websockets.jcfg" <<-JCFG
		general: {
			json = "compact"
			ws = true
			ws_port = $ws_port
			ws_ip = "127.0.0.1"
			wss = false
		}
		admin: { admin_ws = false }
	JCFG
}

# configure_plugin IDLE FOLDER…: configures the demonstration's room and its segment
# folders.
configure_plugin() {
	local idle=$1 folders= folder
	shift
	for folder in "$@"; do folders+="${folders:+, }$(quoted "$folder")"; done
	cat > "$temp/conf/janus.plugin.digitalhuman.jcfg" <<-JCFG
		general: {
			segments_folder = [ $folders ]
			cache_folder = $(quoted "$temp/cache")
			worker = $(quoted "$temp/bin/dh-prepare")
			push_listen = "127.0.0.1:$push_port"
		}
		avatar-demo: {
			width = 512
			height = 512
			idle = $(quoted "$idle")
		}
		generator-talker: {
			command = [ $(quoted "$temp/bin/dh-talker"), "--voice", "{voice}" ]
			voices = [ "en-gb", "en-us", "de", "fr", "es", "it" ]
		}
		room-demo: {
			id = $room
			description = "Demonstration"
			avatar = "demo"
			generator = "talker"
			secret = "$room_secret"
		}
	JCFG
}

# Starts a child that ends with us, even if we are killed, and that Ctrl-C at the
# terminal reaches only through us.
start() { setsid setpriv --pdeathsig TERM "$@" < /dev/null & }

start_janus() {
	start "$janus" -F "$temp/conf" -C "$temp/conf/janus.jcfg" --disable-colors > "$temp/janus.log" 2>&1
	janus_pid=$!
	at_exit 'end_process $janus_pid'
	local i listens=0
	for ((i = 0; i < 1200 && listens < 200; i++)); do
		kill -0 "$janus_pid" 2> /dev/null || { tail -30 "$temp/janus.log" >&2; die "Janus ended while it was starting"; }
		if port_taken "$ws_port" && port_taken "$http_port"; then
			! has_plugin || return 0
			listens=$((listens + 1))
		fi
		sleep 0.05
	done
	grep -iE 'error|fatal|digitalhuman' "$temp/janus.log" >&2
	[ "$listens" -gt 0 ] || die "Janus does not listen on its ports"
	die "Janus did not load the plugin"
}
# Janus writes its log in a thread of its own, which may come after its ports.
has_plugin() { grep -q 'janus.plugin.digitalhuman' "$temp/janus.log"; }

# api PATH JSON: sends one request to the Janus API and prints the answer.
api() {
	curl -sS --max-time 10 -H 'Content-Type: application/json' -d "$2" "http://127.0.0.1:$http_port/janus$1"
}
field() { sed -nE 's/.*"'"$1"'": ?"?([^",}]*).*/\1/p' | head -1; }

# Waits until the avatar's idle clip is prepared, so that the room has a picture.
wait_for_room() {
	local session handle answer state
	session=$(api '' '{"janus":"create","transaction":"run"}' | field id)
	handle=$(api "/$session" '{"janus":"attach","plugin":"janus.plugin.digitalhuman","transaction":"run"}' | field id)
	[ -n "$handle" ] || die "the plugin does not answer; see $temp/janus.log"
	while :; do
		answer=$(api "/$session/$handle" \
			'{"janus":"message","transaction":"run","body":{"request":"info","id":'"$room"',"secret":"'"$room_secret"'"}}')
		state=$(field state <<< "$answer")
		case $state in
			preparing) sleep 0.1 ;;
			idle | speaking) break ;;
			*) tail -20 "$temp/janus.log" >&2; die "the demonstration's room did not come up: $answer" ;;
		esac
	done
	api "/$session" '{"janus":"destroy","transaction":"run"}' > /dev/null
}

# Prints the names in folder $1 that the page can offer, each with a 0 byte behind it. The gateway takes none
# with control characters (line breaks, say), nor what is not UTF-8.
segment_names() {
	(cd "$1" && find . -maxdepth 1 -type f ! -name '.*' -printf '%f\0') | LC_ALL=C.UTF-8 grep -zax '[^[:cntrl:]]*' \
		| LC_ALL=C sort -z | head -z -n 200
}

# Writes the page's settings file, as ./run serves it. $@: the segment folders.
write_settings() {
	local ice= name list= folder
	if [ -n "$turn" ]; then
		local rest=${turn#*,}
		ice="{ urls: $(quoted "${turn%%,*}"), username: $(quoted "${rest%%,*}"), credential: $(quoted "${rest#*,}") }"
	fi
	for folder in "$@"; do
		while IFS= read -r -d '' name; do
			list+="${list:+, }$(quoted "$name")"
		done < <(segment_names "$folder")
	done
	cat > "$temp/web/settings.js" <<-JS
		export default {
			server: null,
			iceServers: [$ice],
			room: $room,
			segments: [$list],
		};
	JS
}

start_nginx() {
	local user= listen6=
	if [ "$(id -u)" = 0 ]; then
		user="user www-data;"
		setpriv --reuid www-data --regid www-data --clear-groups test -r "$root/html/index.html" 2> /dev/null \
			|| user="user $(stat -c '%U %G' "$root");"
	fi
	[ ! -s /proc/net/if_inet6 ] || listen6="listen [::1]:$page_port;"
	mkdir "$temp/web/state"
	[ -z "$user" ] || chown "$(awk '{ sub(";", "", $2); print $2 }' <<< "$user")" "$temp/web/state"
	cat > "$temp/web/nginx.conf" <<-NGINX
		daemon off;
		pid $temp/web/nginx.pid;
		error_log $temp/web/error.log;
		worker_processes 1;
		$user
		events { worker_connections 512; }
		http {
			types {
				text/html html; text/css css; text/javascript js mjs; application/json json;
				image/svg+xml svg; image/png png; image/jpeg jpg jpeg; image/webp webp; video/webm webm;
			}
			default_type application/octet-stream;
			charset utf-8;
			charset_types text/css text/javascript application/json;
			access_log off;
			client_body_temp_path $temp/web/state/body;
			proxy_temp_path $temp/web/state/proxy;
			fastcgi_temp_path $temp/web/state/fastcgi;
			uwsgi_temp_path $temp/web/state/uwsgi;
			scgi_temp_path $temp/web/state/scgi;
			gzip on;
			gzip_types text/css text/javascript application/json image/svg+xml;
			server {
				listen 127.0.0.1:$page_port;
				$listen6
				server_name localhost;
				root "$root/html";
				add_header Cache-Control no-cache;
				add_header Access-Control-Allow-Origin *; # Janus adds its own, which must be the only one
				location = /settings.js { alias $temp/web/settings.js; }
				location = /vendor/janus.js { alias $temp/web/janus.js; }
				location = /vendor/adapter.js { alias /usr/share/javascript/webrtc-adapter/adapter.js; }
				location ~ ^/janus(/|\$) {
					proxy_pass http://127.0.0.1:$http_port;
					proxy_http_version 1.1;
					proxy_buffering off;
					proxy_read_timeout 120s;
					add_header Cache-Control no-cache; # instead of those above
				}
				location = /janus-ws {
					proxy_pass http://127.0.0.1:$ws_port/;
					proxy_http_version 1.1;
					proxy_set_header Upgrade \$http_upgrade;
					proxy_set_header Connection upgrade;
					proxy_read_timeout 1h;
				}
			}
		}
	NGINX
	cp "$(janus_js)" "$temp/web/janus.js" || die "there is no janus.js"
	chmod 755 "$temp/web"; chmod 644 "$temp/web/"*.js
	start nginx -p "$temp/web" -e "$temp/web/error.log" -c "$temp/web/nginx.conf" > "$temp/web/log" 2>&1
	nginx_pid=$!
	at_exit 'end_process $nginx_pid'
	local i
	for ((i = 0; i < 1200; i++)); do
		kill -0 "$nginx_pid" 2> /dev/null || { cat "$temp/web/error.log" "$temp/web/log" >&2; die "nginx did not start"; }
		! port_taken "$page_port" || return 0
		sleep 0.05
	done
	die "nginx does not listen on port $page_port"
}

# Starts examples/conversation in the demonstration's room; $@: further options of its main.py.
start_conversation() {
	DH_ROOM_SECRET=$room_secret DH_TALKER=$build/dh-talker PATH=$build:$PATH \
		start /usr/bin/python3 -B "$root/examples/conversation/main.py" --janus "ws://127.0.0.1:$ws_port" \
		--push "127.0.0.1:$push_port" --room "$room" --dh-listen "$build/dh-listen" \
		--state "$temp/conversation.json" "$@"
	talk_pid=$!
	at_exit 'end_process $talk_pid 10'
}
