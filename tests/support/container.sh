# SPDX-License-Identifier: GPL-3.0-or-later
# Follows the Containerfile without any container tool: each of its stages is a bare
# Debian in a chroot. Then starts what it made as container/compose.yaml has it, with
# TURN and TLS in front, in a network of its own. Sourced by tests/bare.
#
# Needs $top, $release, $log and the functions of tests/bare.

gateway_address=172.30.89.2 turn_address=172.30.89.3 web_address=172.30.89.4

# The lines of the Containerfile; $stages are the chroots. Sets $entry and $image.
follow_containerfile() {
	local word rest from to
	local -a stages=("$top" "$top-image")
	local stage=-1
	while read -r word rest; do
		case $word in
			'' | '#'* | EXPOSE | VOLUME) ;;
			FROM) stage=$((stage + 1)) ;;
			COPY)
				from=$top$project/
				[[ $rest != --from=build\ * ]] || { from=${stages[0]}; rest=${rest#* }; }
				to=${rest#* }
				mkdir -p "${stages[stage]}$to" && cp -a "$from${rest%% *}/." "${stages[stage]}$to/" || return 1 ;;
			RUN) say "RUN $rest"; (top=${stages[stage]} become /bin/sh -c "$rest") || return 1 ;;
			ENTRYPOINT) [[ $rest =~ ^\[\"([^\"]+)\"\]$ ]] && entry=${BASH_REMATCH[1]} || return 1 ;;
			*) say "tests/support/container.sh does not know $word"; return 1 ;;
		esac
	done < "$top$project/Containerfile"
	image=${stages[stage]}
}

# The settings' sample, as they would be in the environment of compose.
read_settings() {
	local line
	while read -r line; do
		[[ $line =~ ^(DH_[A-Z_]+)=(.*)$ ]] && export "${BASH_REMATCH[1]}=${BASH_REMATCH[2]}"
	done < "$top$project/container/settings.sample"
}

# compose KEY SERVICE: prints what compose.yaml says, one item a line, with the settings.
compose() (
	net= become env "${settings[@]}" python3 -c '
import os, re, sys, yaml
with open(sys.argv[1] + "/container/compose.yaml") as file:
    found = yaml.safe_load(file)["services"][sys.argv[3]][sys.argv[2]]
for item in found if isinstance(found, list) else ["%s=%s" % pair for pair in found.items()]:
    print(re.sub(r"\$\{(\w+)(:\?[^}]*)?\}", lambda m: os.environ[m.group(1)], item))' "$project" "$@"
)

# As images of Debian have it.
forbid_services() {
	local policy
	for policy in "$top/usr/sbin/policy-rc.d" "$top-image/usr/sbin/policy-rc.d"; do
		printf '#!/bin/sh\nexit 101\n' > "$policy"
		chmod 755 "$policy"
	done
}

make_network() {
	local address
	net=$top-net
	# The machine's own /proc does not know this namespace's processes.
	mount -t proc proc /proc && : > "$net" && unshare --net="$net" true || return 1
	nsenter --net="$net" ip link set lo up
	nsenter --net="$net" ip link add dh0 type veth peer name dh1 || return 1
	nsenter --net="$net" ip link set dh1 up
	for address in "$gateway_address" "$turn_address" "$web_address"; do
		nsenter --net="$net" ip addr add "$address/24" dev dh0
	done
	nsenter --net="$net" ip link set dh0 up
}

start_container() {
	local -a environment
	mapfile -t environment < <(compose environment gateway)
	top=$image become env "${environment[@]}" "$entry" &
	container=$!
	waits_for 60 ask / create
}

# TURN and TLS, from the first stage's chroot: their own images are not ours to test.
start_neighbours() {
	local -a command
	mapfile -t command < <(compose command turn)
	become turnserver "${command[@]}" > "$top/turn.log" 2>&1 &
	mkdir -p "$top/certificates"
	(become openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj "/CN=$DH_NAME" -addext "subjectAltName=DNS:$DH_NAME" \
		-keyout /certificates/privkey.pem -out /certificates/fullchain.pem 2> /dev/null)
	(become env "DH_NAME=$DH_NAME" sh -c "envsubst '\${DH_NAME}' < $project/container/tls.conf.template > /etc/nginx/tls.conf")
	printf 'daemon off; events {} error_log stderr; http { include tls.conf; }\n' > "$top/etc/nginx/test.conf"
	become nginx -c /etc/nginx/test.conf > "$top/web.log" 2>&1 &
}

fetch() (
	become curl -sS --fail --max-time 40 --cacert /certificates/fullchain.pem \
		--resolve "$DH_NAME:443:$web_address" "https://$DH_NAME$1" "${@:2}" 2>&1
)
# ask PATH KIND [MORE]: a request to the Janus API, through TLS.
ask() { fetch "/janus${1%/}" -d '{"transaction":"t","janus":"'"$2"'"'"${3:-}"'}'; }
waits_for() {
	local end=$((SECONDS + $1))
	until "${@:2}" > /dev/null 2>&1; do
		[ "$SECONDS" -lt "$end" ] || return 1
		sleep 0.5
	done
}
# finds NAME TEXT COMMAND…: checks that a command's output has TEXT, an extended regular expression.
finds() {
	local output
	output=$("${@:3}" 2>&1)
	grep -qE -- "$2" <<< "$output"
	judged $? "$1" "$(head -c 2000 <<< "$output")"
}

judge_watching() {
	local session handle offer
	session=$(ask / create | sed -nE 's/.*"id": ?([0-9]+).*/\1/p')
	handle=$(ask "/$session" attach ',"plugin":"janus.plugin.digitalhuman"' | sed -nE 's/.*"data":\{"id": ?([0-9]+).*/\1/p')
	[ -n "$handle" ]
	judged $? "the plugin answers"
	finds "the first room is there" '"The first room"' ask "/$session/$handle" message ',"body":{"request":"list"}'
	ask "/$session/$handle" message ',"body":{"request":"watch","id":1}' > /dev/null
	offer=$(fetch "/janus/$session?maxev=5"; fetch "/janus/$session?maxev=5")
	finds "offers have the public address, a published port" " $DH_PUBLIC_ADDRESS 20[01][0-9]{2} typ host" echo "$offer"
	finds "… and the address that TURN relays to" " $gateway_address 20[01][0-9]{2} typ host" echo "$offer"
	secret=$(sed -nE 's/.*room 1, secret ([0-9a-f]+).*/\1/p' "$log" | tail -1)
	ask "/$session/$handle" message ',"body":{"request":"say","id":1,"secret":"'"$secret"'","text":"Hello."}' > /dev/null
	waits_for 60 speaks "/$session/$handle"
	judged $? "it speaks"
}
speaks() { ask "$1" message ',"body":{"request":"info","id":1}' | grep -q '"state": *"speaking"'; }

in_network() (become "$@")
judge_turn() {
	local relay=(in_network turnutils_uclient -y -n 5 -m 1 -u "$DH_TURN_USER" "$turn_address")
	finds "TURN accepts the page's name and password" 'clnet_allocate: rtv=[1-9]' "${relay[@]}" -w "$DH_TURN_PASSWORD" -v
	finds "… and no other" 'Cannot complete Allocation' "${relay[@]}" -w wrong -v
	finds "… and relays to nobody but the gateway" '403 .Forbidden' "${relay[@]}" -w "$DH_TURN_PASSWORD" -v
}

judge_container() {
	local image='' entry='' container='' net='' secret='' rest
	local -a settings
	furnish "$top-image" "$release" || die "this machine lets nobody mount what a chroot needs"
	forbid_services
	follow_containerfile
	judged $? "the Containerfile's steps"
	[ -n "$image" ] || return 1
	(become sh -c 'apt-get update && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends \
		coturn nginx-light curl openssl gettext-base python3-yaml') > "$top/neighbours.log" 2>&1 \
		|| { tail "$top/neighbours.log"; die "TURN and TLS cannot be installed"; }
	rm -f "$image/usr/sbin/policy-rc.d"
	read_settings
	mapfile -t settings < <(env | grep '^DH_')
	make_network || die "this machine gives no network of its own"
	start_neighbours
	start_container
	judged $? "it starts"
	finds "the page, with TLS" '<title>' fetch /
	finds "Janus's script" Janus fetch /vendor/janus.js
	finds "Janus has data channels" '"data_channels": *true' fetch /janus/info
	finds "the page's settings have TURN" "turn:$DH_NAME:3478.*\"$DH_TURN_PASSWORD\"" fetch /settings.js
	finds "WebSocket" ' 101 ' fetch /janus-ws -i --http1.1 --max-time 3 -H 'Connection: Upgrade' -H 'Upgrade: websocket' \
		-H 'Sec-WebSocket-Version: 13' -H 'Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==' -H 'Sec-WebSocket-Protocol: janus-protocol'
	judge_watching
	judge_turn
	kill -TERM "$container"
	ends "$container" 20
	judged $? "SIGTERM ends it"
	rest=$(top=$image left)
	[ -z "$rest" ]
	judged $? "nothing is left" "$rest"
	start_container
	judged $? "it starts again"
	grep -q "secret = \"$secret\"" "$image/data/conf/janus.plugin.digitalhuman.jcfg"
	judged $? "with the same configuration"
	kill -TERM "$container"
	ends "$container" 20
	say
	say "$passed passed, $failed failed"
	[ "$failed" = 0 ]
}
