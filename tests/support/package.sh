# SPDX-License-Identifier: GPL-3.0-or-later
# Builds the Debian packages on a bare Debian, installs all of them, plays from them and purges them. Sourced by
# tests/bare.
#
# Needs $top, $release, $log and the functions of tests/bare.

# In the chroot.
quietly() (become env DEBIAN_FRONTEND=noninteractive LC_ALL=C.UTF-8 "$@")
with_apt() { quietly apt-get -q -y -o Dpkg::Use-Pty=0 "$@"; }

# Builds them into /build, with what debian/control names and nothing else of the project's.
build_debs() {
	mkdir "$top/build" && cp -a "$top$project" "$top/build/sources" || return 1
	with_apt update && with_apt install --no-install-recommends build-essential curl \
		&& with_apt build-dep --no-install-recommends /build/sources \
		&& quietly sh -c "cd /build/sources \
			&& DEB_BUILD_OPTIONS='nocheck noautodbgsym parallel=$(nproc)' dpkg-buildpackage -us -uc -b"
}

# Every path but those of dpkg's and apt's own books.
everything() {
	local -a left_out=()
	local name
	for name in build private run tmp var/cache/apt var/lib/apt var/lib/dpkg var/log; do
		left_out+=(-o -path "$top/$name")
	done
	find "$top" -xdev \( -false "${left_out[@]}" \) -prune -o -printf '%P\n' | sort
}

# What they need, so that a comparison shows what they themselves leave.
install_others() {
	local -a others
	mapfile -t others < <(with_apt --simulate install "${debs[@]}" | awk '$1 == "Inst" { print $2 }' | grep -vxF "${names[@]/#/-e}")
	[ "${#others[@]}" = 0 ] || with_apt install "${others[@]}"
}

# with_janus COMMAND…: runs it while the system's own Janus, as its service starts it, serves $address, in a network of
# its own.
with_janus() {
	local pid address=http://127.0.0.1:8088 end=$((SECONDS + 60))
	become janus --disable-colors --log-stdout &
	pid=$!
	until (become curl -s --fail --max-time 5 "$address/janus/info") > /dev/null || [ "$SECONDS" -ge "$end" ]; do sleep 0.5; done
	"$@"
	kill -TERM "$pid"
	ends "$pid" 20
	judged $? "SIGTERM ends it"
}

judge_package() {
	local net='' before rest deb
	local -a debs names=()
	printf '#!/bin/sh\nexit 101\n' > "$top/usr/sbin/policy-rc.d"
	chmod 755 "$top/usr/sbin/policy-rc.d"
	build_debs
	judged $? "what debian/control names is enough to build the packages"
	mapfile -t debs < <(cd "$top" && printf '/%s\n' build/*.deb)
	for deb in "${debs[@]}"; do names+=("$(become dpkg-deb --field "$deb" Package)"); done
	[ "${#names[@]}" = 5 ]
	judged $? "there are five: ${names[*]}"
	install_others || die "what the packages need cannot be installed"
	make_network || die "this machine gives no network of its own"
	# It makes folders when it starts for the first time.
	with_janus contains "Janus runs without them" /janus/info '"janus.plugin.echotest"'
	before=$(everything)
	with_apt install "${debs[@]}"
	judged $? "apt installs them"
	rest=$(quietly dpkg --verify "${names[@]}" 2>&1 || echo "dpkg fails")
	[ -z "$rest" ]
	judged $? "all their files are there" "$rest"
	with_janus contains "the system's Janus loads the plugin" /janus/info '"janus.plugin.digitalhuman"'
	quietly env PYTHONPATH="$project/tests/support" python3 -B "$project/tests/support/installed_package.py" -v
	judged $? "the stock Janus plays from them"
	# as the plugin writes it
	: > "$top/etc/janus/janus.plugin.digitalhuman.rooms.jcfg"
	with_apt purge "${names[@]}"
	judged $? "apt purges them"
	rest=$(diff <(printf '%s\n' "$before") <(everything) | grep '^[<>]')
	[ -z "$rest" ]
	judged $? "they leave nothing, and take nothing with them" "$rest"
	rm -f "$top/usr/sbin/policy-rc.d"
	rest=$(left)
	[ -z "$rest" ]
	judged $? "nothing else is left" "$rest"
	say
	say "$passed passed, $failed failed"
	[ "$failed" = 0 ]
}
