# SPDX-License-Identifier: GPL-3.0-or-later
# Which Janus is used, and which janus.js. Sourced after lib.sh.
#
# Debian's own, where apt has it. Where it does not, as in Debian 13, Janus is built
# once from Debian's source package of a later release, into build/janus: the
# transports, plugins and event handlers that are used here, and nothing else.

own_janus=$root/build/janus
own_janus_packages=(dpkg-dev libtool libconfig-dev libmicrohttpd-dev libnice-dev libsrtp2-dev libssl-dev
	libusrsctp-dev libwebsockets-dev)
own_janus_options=(--disable-all-plugins --disable-all-transports --disable-all-handlers --disable-all-loggers
	--enable-rest --enable-websockets --enable-plugin-streaming --enable-sample-event-handler
	--enable-data-channels --disable-docs --disable-static)
own_janus_releases=(forky sid)

# need_janus PREFIX: sees to it that there is a Janus, and janus.js. Sets $janus_prefix
# (PREFIX, or "" for Debian's own, or build/janus) and the array $with_janus, configure's
# argument for it.
need_janus() {
	janus_prefix=$1 with_janus=()
	if [ -n "$janus_prefix" ]; then
		:
	elif installed janus && installed janus-dev; then
		:
	elif own_janus_works; then
		janus_prefix=$own_janus
	elif offered janus && offered janus-dev; then
		need_packages janus janus-dev
	else
		build_own_janus
		janus_prefix=$own_janus
	fi
	[ -z "$janus_prefix" ] || with_janus=("--with-janus=$janus_prefix")
	[ -n "$(janus_js)" ] || ! offered libjs-janus-gateway || need_packages libjs-janus-gateway
	[ -n "$(janus_js)" ] || build_own_janus
}

# Prints the path of janus.js; nothing, if there is none: $janus_prefix's own, or
# Debian's, or that of build/janus.
janus_js() {
	local path
	for path in ${janus_prefix:+"$janus_prefix"/share/janus/{html/demos,demos,javascript}/janus.js} \
		/usr/share/javascript/janus-gateway/janus.js "$own_janus/share/janus/html/demos/janus.js"; do
		[ ! -r "$path" ] || { printf '%s\n' "$path"; return; }
	done
}

# Whether it was built as it would be now, and the system still has the libraries that
# it was linked with.
own_janus_works() {
	[ "$(cat "$own_janus/made-with" 2> /dev/null)" = "${own_janus_options[*]}" ] \
		&& [[ "$(ldd "$own_janus/bin/janus" "$own_janus"/lib/janus/*/*.so 2>&1)" != *"not found"* ]]
}

build_own_janus() {
	local work=$root/build/janus-work
	need_packages "${own_janus_packages[@]}"
	[ -e /usr/share/keyrings/debian-archive-keyring.gpg ] || need_packages debian-archive-keyring
	mkdir -p "$root/build" || die "cannot make $root/build"
	(
		flock 9
		! own_janus_works || exit 0
		say "Building Janus from Debian's source package: once, a few minutes"
		rm -rf "$work" && mkdir "$work" || die "cannot make $work"
		fetch_janus_source "$work"
		compile_janus "$work"
		rm -rf "$work"
	) 9> "$root/build/.janus.lock" || exit 1
}

# The mirror of Debian that apt uses.
debian_mirror() {
	local mirror
	mirror=$(apt-get indextargets --format '$(LABEL) $(REPO_URI)' 'Created-By: Packages' | awk '$1 == "Debian" { print $2; exit }')
	[ -n "$mirror" ] || die "there is no janus, and apt knows no mirror of Debian to take its source from; install Janus, or name one with --janus"
	printf '%s\n' "$mirror"
}

# fetch_janus_source FOLDER: unpacks the source package into FOLDER/source. apt works
# with sources, lists and archives of its own, in FOLDER, and checks the archive's
# signatures as ever; only a release file that is out of date will do.
fetch_janus_source() {
	local folder=$1 release version= mirror apt
	mirror=$(debian_mirror) || exit 1
	mkdir -p "$folder/lists/partial" "$folder/archives/partial"
	apt=(-q -o Dir::Etc::SourceList="$folder/sources.list" -o Dir::Etc::SourceParts=- -o Dir::State::Lists="$folder/lists"
		-o Dir::Cache::Archives="$folder/archives" -o Dir::Cache::pkgcache= -o Dir::Cache::srcpkgcache=
		-o Acquire::Check-Valid-Until=false -o Acquire::Languages=none)
	for release in "${own_janus_releases[@]}"; do
		printf 'deb-src [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] %s %s main\n' "$mirror" "$release" > "$folder/sources.list"
		apt-get "${apt[@]}" update > "$folder/update.log" 2>&1 || { cat "$folder/update.log" >&2; continue; }
		version=$(apt-cache "${apt[@]}" showsrc --only-source janus 2> /dev/null | awk '$1 == "Version:" { print $2; exit }')
		[ -z "$version" ] || break
	done
	[ -n "$version" ] || die "neither of Debian's releases ${own_janus_releases[*]} at $mirror has the source of Janus.
Build Janus by hand, and name its prefix: --janus PREFIX"
	say "  Janus $version, of Debian's $release"
	(cd "$folder" && apt-get "${apt[@]}" source --download-only --only-source "janus=$version" \
		&& dpkg-source --no-copy -x janus_*.dsc source) > "$folder/source.log" 2>&1 \
		|| { tail -20 "$folder/source.log" >&2; die "the source of Janus could not be fetched"; }
}

# compile_janus FOLDER: builds FOLDER/source and puts it into $own_janus, whole or not at
# all.
compile_janus() {
	local folder=$1 log=$1/build.log flags
	say "  configuring"
	flags=$(DEB_BUILD_MAINT_OPTIONS=hardening=+all dpkg-buildflags --export=sh)
	(eval "$flags" && cd "$folder/source" && autoreconf -fi \
		&& ./configure --prefix="$own_janus" "${own_janus_options[@]}") > "$log" 2>&1 \
		|| { tail -20 "$log" >&2; die "Janus could not be configured; see $log"; }
	make_shown "$folder/source" "$log" || { tail -20 "$log" >&2; die "Janus could not be built; see $log"; }
	make -C "$folder/source" install DESTDIR="$folder/stage" >> "$log" 2>&1 \
		|| { tail -20 "$log" >&2; die "Janus could not be installed; see $log"; }
	printf '%s\n' "${own_janus_options[*]}" > "$folder/stage$own_janus/made-with"
	rm -rf "$own_janus" && mv "$folder/stage$own_janus" "$own_janus" || die "cannot write $own_janus"
}

# make_shown FOLDER LOG: make, saying how far it is.
make_shown() {
	local total line done=0
	total=$(make -C "$1" --dry-run V=0 all 2> /dev/null | grep -c '  CC  ')
	make -C "$1" -j"$(nproc)" V=0 all 2>&1 | tee -a "$2" | while IFS= read -r line; do
		[[ $line == '  CC '* ]] && [ $((++done % 10)) = 0 ] || continue
		say "  compiled $done of $total files"
	done
}
