# SPDX-License-Identifier: GPL-3.0-or-later
# Makes a manual page from a program's --help, so that its options are explained in one
# place:
#
#     dh-prepare --help | awk -v name=dh-prepare -v release='janus-digitalhuman 0.1.0' -f man.awk
#
# It knows the form of our help texts: "Usage: …" or indented lines that begin with the
# program's name (the synopsis), paragraphs, "Exit codes: …", headings (one line,
# followed by indented ones), and lists (indented; at least two spaces before the
# explanation, whose further lines are deeply indented).

function roff(text) {
	gsub(/\\/, "\\e", text)
	gsub(/-/, "\\-", text)
	sub(/^[.']/, "\\\\\\&&", text)
	return text
}

function add(section, text) { page[section] = page[section] text "\n" }

# The first sentence without its details, for whatis(1).
function summary(text) {
	sub("^" name " ", "", text)
	sub(/( \(|, |\. |\.$).*/, "", text)
	return tolower(substr(text, 1, 1)) substr(text, 2)
}

function item(text) {
	if (match(text, /[^ ]  +/))
		add("OPTIONS", ".TP\n\\fB" roff(substr(text, 1, RSTART)) "\\fR\n" roff(substr(text, RSTART + RLENGTH)))
	else
		add("OPTIONS", ".TP\n\\fB" roff(text) "\\fR")
}

# A line at the margin: a heading if an indented line follows, else text.
function margin(line, last, next_line) {
	if (next_line ~ /^ / && line !~ /\.$/) {
		sub(/:$/, "", line)
		add("OPTIONS", ".SS " roff(line))
		return
	}
	if (sub(/^Exit codes: /, "", line)) section = "EXIT STATUS"
	else if (last == "" && section != "DESCRIPTION") section = "NOTES"
	if (last == "" || line ~ /^[A-Z][a-z]+: /) add(section, ".PP")
	add(section, roff(line))
}

{ lines[NR] = $0 }

END {
	section = "DESCRIPTION"
	for (i = 1; i <= NR; i++) {
		text = line = lines[i]; last = lines[i - 1]
		sub(/^ +/, "", text)
		if (sub(/^Usage: /, "", line)) { add("SYNOPSIS", roff(line)); lines[i] = "" }
		else if (index(line, "  " name " ") == 1 || (line ~ /^ / && last ~ /\\$/)) add("SYNOPSIS", roff(substr(line, 3)))
		else if (line ~ /^[^ ]/) margin(line, last, lines[i + 1])
		else if (line ~ /^          /) add("OPTIONS", roff(text))
		else if (line != "") item(text)
	}
	about = page["DESCRIPTION"]
	gsub(/\\/, "", about); sub(/^\.PP\n/, "", about); gsub(/\n/, " ", about)
	print ".TH " toupper(name) " 1 \"\" \"" release "\""
	print ".SH NAME\n" name " \\- " roff(summary(about))
	print ".SH SYNOPSIS\n.nf\n" page["SYNOPSIS"] ".fi"
	count = split("DESCRIPTION|OPTIONS|EXIT STATUS|NOTES", order, "|")
	for (i = 1; i <= count; i++)
		if (page[order[i]] != "") printf ".SH %s\n%s", order[i], page[order[i]]
}
