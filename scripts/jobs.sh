# SPDX-License-Identifier: GPL-3.0-or-later
# Runs test programs and makes the builds that they need, several at a time. Reports
# results in the order in which the tests were added. Sourced by ./test after lib.sh.
#
# There are three lanes, which run beside each other. "work" is for jobs that need
# processors and do not depend on time, builds included: one more at a time than there are
# processors, since few are busy all the time, at a somewhat lower priority (at a much lower
# one, what else the machine does would starve them). "wait", at the same priority, is for
# those of them that mostly wait, for a limit to pass or for the network: twice as many.
# "watch" is for jobs that watch something live: one more than there are processors, or
# twice as many that mostly wait ("await"), or two with browsers ("browse"). What a job says at
# its end of the time that it was busy tells where it belongs.
#
# Needs the function build_flavour DIR (makes that build), $names (what was asked for) and $logs.
# Sets $passed, $failed and $skipped.

passed=0 failed=0 skipped=0
job_names=() job_lanes=() job_limits=() job_builds=() job_commands=() # job_builds: empty for a build
job_states=() job_pids=() job_starts=() job_lines=()     # a state: "", running or ended
job_places=()                                            # how many it has, in its lane
declare -A built                                         # by folder: yes or no
names_found=()                                           # yes for each of $names that a test has
# What watches takes two places, what awaits one, what has a browser half of them.
declare -A places=([work]=$(($(nproc) + 1)) [wait]=$((2 * $(nproc))) [watch]=$((2 * $(nproc) + 2)))
declare -A running=([work]=0 [wait]=0 [watch]=0)         # places in use
spent_ms=0                                               # by all jobs that have ended

# count OUTPUT STATUS: counts the tests that ran, from the summary at the end of the
# output ("N passed, N failed" or unittest's lines). Without a summary it is one test.
count() {
	awk -v status="$2" '
		match($0, /^[0-9]+ passed, [0-9]+ failed/) { split($0, f, /[ ,]+/); ok = f[1]; bad = f[3]; skip = f[6] == "skipped" ? f[5] : 0; said = 1 }
		/^Ran [0-9]+ tests? in / { ran = $2; said = 2; bad = skip = 0 }
		said == 2 && /^(FAILED|OK)/ {
			n = split($0, f, /[(), ]+/)
			for (i = 1; i <= n; i++) {
				split(f[i], v, "=")
				if (v[1] == "failures" || v[1] == "errors") bad += v[2]
				if (f[i] == "successes=" v[2]) bad += v[2]
				if (v[1] == "skipped") skip += v[2]
			}
			ok = ran - bad - skip
			if (ok < 0) ok = 0
		}
		END {
			if (!said) { ok = status == 0; bad = status != 0; skip = 0 }
			if (said && status != 0 && !bad && !(status == 77 && skip)) bad = 1
			if (said && status == 0 && ok + bad + skip == 0) bad = 1
			print ok + 0, bad + 0, skip + 0
		}' "$1"
}

# Whether a test was asked for: its name contains one of $names, or there are none.
wanted() {
	local i is_wanted=
	[ "${#names[@]}" -gt 0 ] || return 0
	for i in "${!names[@]}"; do
		[[ $1 != *"${names[i]}"* ]] || names_found[i]=yes is_wanted=yes
	done
	[ -n "$is_wanted" ]
}

# Once all are added: each name that was asked for is a test's.
check_names() {
	local i unknown=()
	for i in "${!names[@]}"; do [ -n "${names_found[i]:-}" ] || unknown+=("${names[i]}"); done
	[ "${#unknown[@]}" = 0 ] || die "no test is named so: ${unknown[*]}"
}

# add LANE NAME LIMIT_S BUILD COMMAND…: adds one test program, if it is wanted. The
# command learns from its environment where the programs of the folder BUILD are.
add() {
	local lane=$1 name=$2 limit=$3 dir=$4
	shift 4
	wanted "$name" || return 0
	[ -n "${built[$dir]:-}" ] || { built[$dir]=no; append work "$dir" 0 "" build_flavour "$dir"; }
	append "$lane" "$name" "$limit" "$dir" env DH_BUILD="$dir" DH_PREPARE="$dir/dh-prepare" DH_TALKER="$dir/dh-talker" \
		DH_PLUGIN="$dir/libjanus_digitalhuman.so" DH_HTML="$root/html" DH_ROOT="$root" PYTHONPATH="$root/tests/support" \
		DH_TEST_RUN=$$ TMPDIR="$scratch" "$@"
}
append() {
	job_lanes+=("$1") job_names+=("$2") job_limits+=("$3") job_builds+=("$4")
	job_states+=("") job_pids+=("") job_starts+=("") job_lines+=("")
	shift 4
	job_commands+=("${*@Q}")
}
log_of() { local name=${job_names[$1]#"$root/"}; printf '%s' "$logs/${name//\//-}.log"; }

# A test gets SIGINT, so that a Python test still ends what it has started; a build has
# its own process group, which is ended.
start_job() {
	local i=$1 command nice=(nice -n 6)
	case ${job_lanes[i]} in watch | await | browse) nice=() ;; esac
	eval "command=(${job_commands[i]})"
	if [ -n "${job_builds[i]}" ]; then
		timeout --signal=INT --kill-after=30 "${job_limits[i]}" env --default-signal=INT "${nice[@]}" "${command[@]}" \
			> "$(log_of "$i")" 2>&1 < /dev/null &
	else
		set -m
		"${command[@]}" > "$(log_of "$i")" 2>&1 < /dev/null &
		set +m
		renice -n 6 -g $! > /dev/null
	fi
	job_pids[i]=$! job_states[i]=running job_starts[i]=$SECONDS
	take_places "$i"
}
end_jobs() {
	local i signal left
	for i in "${!job_names[@]}"; do
		[ "${job_states[i]}" = running ] || continue
		if [ -n "${job_builds[i]}" ]; then kill -INT "${job_pids[i]}"; else kill -TERM -- "-${job_pids[i]}"; fi
	done 2> /dev/null
	wait
	for signal in TERM KILL; do
		mapfile -t left < <(find_left)
		[ "${#left[@]}" -gt 0 ] || break
		kill -s "$signal" "${left[@]}" 2> /dev/null
		for ((i = 0; i < 50; i++)); do [ -n "$(find_left)" ] || break; sleep 0.1; done
	done
	rm -rf "$scratch"
}
# Prints what tests that were broken off have left: gateways and browsers, with sessions of their own. Their
# environment names this run.
find_left() { grep -lsz "^DH_TEST_RUN=$$\$" /proc/[0-9]*/environ | cut -d/ -f3; }
# For temporary files of tests; short, for sockets. Some tests have processes of other users.
scratch=$(mktemp -d /tmp/dh-test.XXXX) && chmod 1777 "$scratch" || die "cannot make a folder in /tmp"
at_exit end_jobs

# Sets $lane to the lane in which job $1 has its place, and $needed to how many places it
# needs there now.
need_places() {
	lane=${job_lanes[$1]} needed=1
	case $lane in
		watch) needed=2 ;;
		await) lane=watch ;;
		browse) lane=watch needed=$((places[watch] / 2)) ;;
	esac
}
take_places() {
	local lane needed
	need_places "$1"
	job_places[$1]=$needed
	running[$lane]=$((running[$lane] + needed))
}
give_places() {
	local lane needed
	need_places "$1"
	running[$lane]=$((running[$lane] - job_places[$1]))
}
has_place() {
	local lane needed
	need_places "$1"
	[ $((running[$lane] + needed)) -le "${places[$lane]}" ]
}

# Sets $found to the next job that can be started: a build (one at a time), or else a
# test whose build is ready.
find_job() {
	local i test= building=
	for i in "${!job_names[@]}"; do
		case ${job_states[i]}:${job_builds[i]} in
			running:) building=yes ;;
			:) [ -n "$building" ] || ! has_place "$i" || { found=$i; return 0; } ;;
			:*) [ -n "$test" ] || [ "${built[${job_builds[i]}]}" = no ] || ! has_place "$i" || test=$i ;;
		esac
	done
	found=$test
	[ -n "$found" ]
}

# Sets $busy to the seconds of a processor that jobs have used since the last call, with
# all their processes.
count_busy() {
	local children time minutes seconds thousandths ms=0
	times > "$logs/times"
	{ read -r _ && read -r children; } < "$logs/times"
	for time in $children; do
		IFS='m.,s' read -r minutes seconds thousandths _ <<< "$time"
		ms=$((ms + minutes * 60000 + 10#$seconds * 1000 + 10#$thousandths))
	done
	busy=$(((ms - spent_ms + 500) / 1000))
	spent_ms=$ms
}

# Reports build $1, which ended with status $2. A failed build counts as one failure,
# and the tests that need it are left out.
finish_build() {
	local i=$1 status=$2 took name other
	took=$((SECONDS - job_starts[i]))
	name=$(basename "${job_names[i]}")
	if [ "$status" = 0 ]; then
		built[${job_names[i]}]=yes
		job_lines[i]=$(printf 'built %-59s %d s, %d busy' "$name" "$took" "$busy")
		return
	fi
	failed=$((failed + 1))
	job_lines[i]=$(printf 'FAIL  %-42s could not be built  %d s\n' "$name" "$took"; tail -60 "$(log_of "$i")" | sed 's/^/      | /')
	for other in "${!job_names[@]}"; do
		[ "${job_builds[other]}" != "${job_names[i]}" ] || job_states[other]=ended
	done
}

# Reports job $1, which ended with status $2.
finish_job() {
	local i=$1 status=$2 ok bad skip note= took log busy
	count_busy
	took=$((SECONDS - job_starts[i]))
	log=$(log_of "$i")
	job_states[i]=ended
	give_places "$i"
	[ -n "${job_builds[i]}" ] || { finish_build "$i" "$status"; return; }
	read -r ok bad skip < <(count "$log" "$status")
	passed=$((passed + ok)) failed=$((failed + bad)) skipped=$((skipped + skip))
	[ "$status" != 124 ] || note=", stopped after ${job_limits[i]} s"
	if [ "$bad" = 0 ]; then
		job_lines[i]=$(printf 'ok    %-42s %4d passed%s  %d s, %d busy' "${job_names[i]}" "$ok" \
			"$([ "$skip" = 0 ] || echo ", $skip skipped")" "$took" "$busy")
	else
		job_lines[i]=$(printf 'FAIL  %-42s %4d failed, %d passed%s  %d s, %d busy\n' "${job_names[i]}" "$bad" "$ok" "$note" "$took" "$busy"
			tail -60 "$log" | sed 's/^/      | /')
	fi
}

# Sets $found to a running job that has ended. wait -n may forget those that end while bash starts something else.
find_ended() {
	for found in "${!job_pids[@]}"; do
		[ "${job_states[found]}" != running ] || kill -0 "${job_pids[found]}" 2> /dev/null || return 0
	done
	return 1
}

# Runs everything that was added.
run_jobs() {
	local told=0 pid found busy status
	count_busy
	while [ "$told" -lt "${#job_names[@]}" ]; do
		while find_job; do start_job "$found"; done
		if find_ended; then
			wait "${job_pids[found]}"
			status=$?
		else
			wait -n -p pid
			status=$?
			for found in "${!job_pids[@]}"; do [ "${job_states[found]} ${job_pids[found]}" != "running $pid" ] || break; done
		fi
		finish_job "$found" "$status"
		while [ "${job_states[told]:-}" = ended ]; do
			[ -z "${job_lines[told]}" ] || say "${job_lines[told]}"
			told=$((told + 1))
		done
	done
}

# The last line. Whether none failed.
sum_up() {
	say
	if [ "$skipped" -gt 0 ]; then
		say "$passed passed, $failed failed, $skipped skipped"
	else
		say "$passed passed, $failed failed"
	fi
	[ "$failed" = 0 ]
}
