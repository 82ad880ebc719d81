# SPDX-License-Identifier: GPL-3.0-or-later
# What ./run and ./test share: messages, packages, building, ports. Sourced by
# bash; sets $root (the project's folder) and an EXIT trap.

set -u -o pipefail
unset CDPATH    # with it, cd may print where it goes
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
PATH=$PATH:/usr/sbin:/sbin

say() { printf '%s\n' "$*"; }
die() { printf '%s: %s\n' "$(basename "$0")" "$*" >&2; exit 1; }

# Clean-up: commands are added as they become necessary, and run in reverse order. Bash
# runs them on SIGINT, SIGTERM and SIGHUP, too. (Traps of these signals would be lost if
# a signal came while bash parses a command substitution.)
cleanups=()
at_exit() { cleanups+=("$1"); }
run_cleanups() {
	local status=$? i
	trap '' INT TERM HUP
	for ((i = ${#cleanups[@]} - 1; i >= 0; i--)); do eval "${cleanups[i]}"; done
	exit "$status"
}
trap run_cleanups EXIT

as_root() {
	if [ "$(id -u)" = 0 ]; then "$@"; else sudo "$@"; fi
}
can_be_root() { [ "$(id -u)" = 0 ] || command -v sudo > /dev/null; }

# Packages --------------------------------------------------------------------

build_packages=(gcc libc6-dev make autoconf automake pkg-config
	zlib1g-dev libglib2.0-dev libjansson-dev libsrtp2-dev
	libavformat-dev libavcodec-dev libavutil-dev libswscale-dev libswresample-dev
	libvpx-dev libopus-dev libyuv-dev libespeak-ng-dev libcairo2-dev libcurl4-openssl-dev)
run_packages=('nginx-light|nginx-core|nginx-full|nginx-extras|nginx' libjs-webrtc-adapter ffmpeg curl iproute2)
conversation_packages=(python3 python3-websockets python3-pocketsphinx pocketsphinx-en-us libespeak-ng1 espeak-ng-data)

installed() { [ "$(dpkg-query -W -f '${db:Status-Status}' "$1" 2> /dev/null)" = installed ]; }

# Unless the administrator has a policy on starting services, ours forbids it while we
# install. Services that run already are left alone.
policy=/usr/sbin/policy-rc.d
keep_services_down() {
	[ ! -e "$policy" ] || return 0
	at_exit allow_services
	printf '#!/bin/sh\n# temporary: %s\nexit 101\n' "$root/run" | as_root tee "$policy" > /dev/null
	as_root chmod 755 "$policy"
}
allow_services() {
	! grep -qs "^# temporary: $root/run$" "$policy" || as_root rm -f "$policy"
}

# The system's apt, without questions; its lists are brought up to date once, when they
# are first needed.
apt_get() { as_root env DEBIAN_FRONTEND=noninteractive apt-get -q -o Dpkg::Use-Pty=0 -o DPkg::Lock::Timeout=300 "$@"; }
lists_are_new=
renew_lists() {
	[ -n "$lists_are_new" ] || { apt_get update && lists_are_new=yes; }
}
need_new_lists() {
	can_be_root || die "packages are missing and there is no sudo; run this once as root"
	renew_lists || die "apt-get update failed"
}

# Whether apt's lists have package $1, as they are.
listed() {
	local version
	version=$(LC_ALL=C apt-cache policy "$1" | awk '$1 == "Candidate:" { print $2 }')
	[ -n "$version" ] && [ "$version" != "(none)" ]
}

# Whether apt has package $1.
offered() { need_new_lists; listed "$1"; }

install_packages() {
	local status=0
	keep_services_down
	apt_get install -y --no-install-recommends "$@" || status=1
	allow_services
	return "$status"
}

# need_packages NAME…: installs missing packages. A|B: either will do.
need_packages() {
	command -v dpkg-query > /dev/null || die "this needs Debian or a relative; README.md tells how to build by hand"
	local missing=() wanted name found
	for wanted in "$@"; do
		found=
		for name in ${wanted//|/ }; do
			! installed "$name" || found=yes
		done
		[ -n "$found" ] || missing+=("${wanted%%|*}")
	done
	[ "${#missing[@]}" -gt 0 ] || return 0
	say "Installing ${#missing[@]} packages and what they need: ${missing[*]}"
	need_new_lists
	install_packages "${missing[@]}" || die "apt-get could not install ${missing[*]}"
}

# want_packages NAME…: installs those that apt's lists have, where that can be done. What they do not have costs
# neither network nor root.
want_packages() {
	local name
	for name in "$@"; do
		if installed "$name" || ! listed "$name"; then continue; fi
		say "Installing $name"
		if ! can_be_root || ! renew_lists || ! install_packages "$name"; then
			say "$name cannot be installed: its tests are skipped"
		fi
	done
}

# Building --------------------------------------------------------------------

# build DIR [ARGUMENT…]: configures (again if the arguments have changed) and makes
# $targets (words) in DIR, out of tree. Shows everything on a terminal; otherwise the
# end of the log if it fails.
build() {
	local dir=$1 goals; shift
	read -ra goals <<< "${targets:-all}"
	[ ! -e "$root/config.status" ] || die "$root is configured itself, which an out-of-tree build does not bear:
run \"make distclean\" in it first"
	mkdir -p "$dir" "$root/build" || die "cannot make $dir"
	# what all builds share
	(
		flock 9
		if [ ! -x "$root/configure" ] || [ ! -e "$root/Makefile.in" ] || [ ! -e "$root/build-aux/missing" ]; then
			say "Preparing the build" && (cd "$root" && autoreconf -fi) > "$dir/autoreconf.log" 2>&1 \
				|| { cat "$dir/autoreconf.log"; die "autoreconf failed"; }
		fi
	) 9> "$root/build/.lock" || exit 1
	(
		flock 9
		if [ ! -e "$dir/Makefile" ] || [ "$(cat "$dir/arguments" 2> /dev/null)" != "$*" ]; then
			say "Configuring $(basename "$dir")"
			[ ! -e "$dir/Makefile" ] || make -s -C "$dir" clean > /dev/null 2>&1
			(cd "$dir" && "$root/configure" "$@") > "$dir/configure.log" 2>&1 \
				|| { grep -A20 'error:' "$dir/configure.log"; die "configure failed; see $dir/config.log"; }
			printf '%s' "$*" > "$dir/arguments"
		fi
		say "Building $(basename "$dir")"
		if [ -t 1 ]; then
			make -C "$dir" -j"$(nproc)" --no-print-directory "${goals[@]}" 9>&- || die "the build failed"
		else
			make -C "$dir" -j"$(nproc)" --no-print-directory "${goals[@]}" > "$dir/make.log" 2>&1 9>&- \
				|| { tail -40 "$dir/make.log"; die "the build failed; see $dir/make.log"; }
		fi
	) 9> "$dir/.lock" || exit 1
}

# Prints a variable of DIR's Makefile.
make_variable() { sed -n "s/^$2 = //p" "$1/Makefile" | head -1; }

# Network ---------------------------------------------------------------------

# Whether something listens on TCP port $1, on any address.
port_taken() {
	local hex
	hex=$(printf '%04X' "$1")
	cat /proc/net/tcp /proc/net/tcp6 2> /dev/null | awk -v p=":$hex" '$4 == "0A" && substr($2, length($2) - 4) == p { found = 1 }
		END { exit !found }'
}

# Prints port $1 if it is free, else another free one, but none of $2…
free_port() {
	local port=$1; shift
	# below those that connections take by themselves
	while port_taken "$port" || [[ " $* " == *" $port "* ]]; do port=$((RANDOM % 12000 + 20000)); done
	printf '%s\n' "$port"
}

# The machine's own address, because the gateway gathers no loopback candidates. Packets
# to an own address never leave the machine either.
own_address() {
	local address
	address=$(ip -4 -o addr show up scope global | awk '{ sub("/.*", "", $4); print $4; exit }')
	[ -n "$address" ] || die "this machine has no address but loopback, on which Janus offers no media.
Give it one, for instance:  ip link add dh0 type dummy && ip addr add 10.99.0.1/32 dev dh0 && ip link set dh0 up"
	printf '%s\n' "$address"
}

# Prints $1 in double quotes, as JSON, JavaScript and .jcfg have it.
quoted() {
	local s=${1//\\/\\\\}
	s=${s//\"/\\\"}
	printf '"%s"' "$s"
}

# Ends process $1 (one of our own children): SIGTERM, and after $2 s SIGKILL.
end_process() {
	local pid=$1 i
	kill "$pid" 2> /dev/null || return 0
	for ((i = 0; i < ${2:-5} * 20; i++)); do
		kill -0 "$pid" 2> /dev/null || return 0
		sleep 0.05
	done
	kill -KILL "$pid" 2> /dev/null
	return 0
}
