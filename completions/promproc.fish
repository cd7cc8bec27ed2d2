# Print an optspec for argparse to handle cmd's options that are independent of any subcommand.
function __fish_promproc_global_optspecs
    string join \n q/quiet v/verbose color= h/help V/version
end

function __fish_promproc_needs_command
    # Figure out if the current invocation already has a command.
    set -l cmd (commandline -opc)
    set -e cmd[1]
    argparse -s (__fish_promproc_global_optspecs) -- $cmd 2>/dev/null
    or return
    if set -q argv[1]
        # Also print the command, so this can be used to figure out what it is.
        echo $argv[1]
        return 1
    end
    return 0
end

function __fish_promproc_using_subcommand
    set -l cmd (__fish_promproc_needs_command)
    test -z "$cmd"
    and return 1
    contains -- $cmd[1] $argv
end

complete -c promproc -n "__fish_promproc_needs_command" -l color -d 'When to use colour' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set'
always\t'Always'
never\t'Never'"
complete -c promproc -n "__fish_promproc_needs_command" -s q -l quiet -d 'Print no warnings, hints or summaries, only data and errors'
complete -c promproc -n "__fish_promproc_needs_command" -s v -l verbose -d 'Say more about the work, on standard error'
complete -c promproc -n "__fish_promproc_needs_command" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c promproc -n "__fish_promproc_needs_command" -s V -l version -d 'Print version'
complete -c promproc -n "__fish_promproc_needs_command" -f -a "find" -d 'Find the multiprocess directories that running processes use'
complete -c promproc -n "__fish_promproc_needs_command" -f -a "dump" -d 'Show what is in the files, entry by entry, without merging'
complete -c promproc -n "__fish_promproc_needs_command" -f -a "merge" -d 'Merge all processes\' files into one exposition, as the official client would'
complete -c promproc -n "__fish_promproc_needs_command" -f -a "explain" -d 'Say why a series has its value: which process, which file, alive or dead'
complete -c promproc -n "__fish_promproc_needs_command" -f -a "check" -d 'Find what is wrong with a directory, what it does to the numbers, and what fixes it'
complete -c promproc -n "__fish_promproc_needs_command" -f -a "prune" -d 'Remove the live gauges of dead processes, as mark_process_dead does for one'
complete -c promproc -n "__fish_promproc_needs_command" -f -a "compact" -d 'Fold the files of dead processes into archives, without losing a count'
complete -c promproc -n "__fish_promproc_needs_command" -f -a "clean" -d 'Remove all metric files from a directory before the service starts'
complete -c promproc -n "__fish_promproc_needs_command" -f -a "top" -d 'Watch the series, families and processes of a directory, live'
complete -c promproc -n "__fish_promproc_needs_command" -f -a "completions" -d 'Print the completion script for a shell'
complete -c promproc -n "__fish_promproc_needs_command" -f -a "man" -d 'Print the manual page of promproc or of a command'
complete -c promproc -n "__fish_promproc_needs_command" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c promproc -n "__fish_promproc_using_subcommand find" -s f -l format -d 'table: for people; json: JSON Lines, one object a directory' -r -f -a "table\t''
json\t''"
complete -c promproc -n "__fish_promproc_using_subcommand find" -l color -d 'When to use colour' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set'
always\t'Always'
never\t'Never'"
complete -c promproc -n "__fish_promproc_using_subcommand find" -s q -l quiet -d 'Print no warnings, hints or summaries, only data and errors'
complete -c promproc -n "__fish_promproc_using_subcommand find" -s v -l verbose -d 'Say more about the work, on standard error'
complete -c promproc -n "__fish_promproc_using_subcommand find" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c promproc -n "__fish_promproc_using_subcommand dump" -l directory-label -d 'Add to every series the label NAME with the end of its directory\'s path that tells the directories apart, e.g. a/metrics and b/metrics: processes in different containers have equal pids' -r
complete -c promproc -n "__fish_promproc_using_subcommand dump" -s f -l format -d 'table: for people; json: JSON Lines, one object per entry (with --files: per file)' -r -f -a "table\t''
json\t''"
complete -c promproc -n "__fish_promproc_using_subcommand dump" -l type -d 'Only files of this metric type (comma-separated, may be repeated)' -r -f -a "counter\t''
gauge\t''
histogram\t''
summary\t''"
complete -c promproc -n "__fish_promproc_using_subcommand dump" -l mode -d 'Only gauges of this mode, e.g. livesum (comma-separated, may be repeated)' -r -f -a "all\t''
liveall\t''
livemax\t''
livemin\t''
livemostrecent\t''
livesum\t''
max\t''
min\t''
mostrecent\t''
sum\t''"
complete -c promproc -n "__fish_promproc_using_subcommand dump" -l pid -d 'Only files of this process (comma-separated, may be repeated)' -r
complete -c promproc -n "__fish_promproc_using_subcommand dump" -l name -d 'Only series of this family or sample name; * matches any characters, ? any one (comma-separated, may be repeated)' -r
complete -c promproc -n "__fish_promproc_using_subcommand dump" -l label -d 'Only series with this label (may be repeated; all must match)' -r
complete -c promproc -n "__fish_promproc_using_subcommand dump" -l match -d 'Only series that this PromQL selector matches, e.g. \'http_requests_total{path!="/slow"}\' (may be repeated: one must match)' -r
complete -c promproc -n "__fish_promproc_using_subcommand dump" -l drop -d 'Leave out the series that this PromQL selector matches, e.g. \'{instance="web-3"}\', whatever other filters take (may be repeated)' -r
complete -c promproc -n "__fish_promproc_using_subcommand dump" -l color -d 'When to use colour' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set'
always\t'Always'
never\t'Never'"
complete -c promproc -n "__fish_promproc_using_subcommand dump" -s r -l recursive -d 'Read every directory below PATH as well'
complete -c promproc -n "__fish_promproc_using_subcommand dump" -l if-exists -d 'Do nothing, silently, where PATH does not exist'
complete -c promproc -n "__fish_promproc_using_subcommand dump" -l files -d 'Show one line per file instead of its entries'
complete -c promproc -n "__fish_promproc_using_subcommand dump" -l show-help -d 'Add the help text of each entry to the table'
complete -c promproc -n "__fish_promproc_using_subcommand dump" -l dead -d 'Only files that no process has open for writing; with --live, these and those'
complete -c promproc -n "__fish_promproc_using_subcommand dump" -l live -d 'Only files that a process has open for writing'
complete -c promproc -n "__fish_promproc_using_subcommand dump" -s q -l quiet -d 'Print no warnings, hints or summaries, only data and errors'
complete -c promproc -n "__fish_promproc_using_subcommand dump" -s v -l verbose -d 'Say more about the work, on standard error'
complete -c promproc -n "__fish_promproc_using_subcommand dump" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c promproc -n "__fish_promproc_using_subcommand merge" -l directory-label -d 'Add to every series the label NAME with the end of its directory\'s path that tells the directories apart, e.g. a/metrics and b/metrics: processes in different containers have equal pids' -r
complete -c promproc -n "__fish_promproc_using_subcommand merge" -s f -l format -d 'text: as prometheus_client\'s generate_latest; openmetrics: its OpenMetrics counterpart; json: as prom2json; table: for people' -r -f -a "text\t''
openmetrics\t''
json\t''
table\t''"
complete -c promproc -n "__fish_promproc_using_subcommand merge" -l escaping -d 'How names outside [a-zA-Z0-9_:] are written in text and openmetrics' -r -f -a "underscores\t''
dots\t''
values\t''
allow-utf-8\t''"
complete -c promproc -n "__fish_promproc_using_subcommand merge" -l threads -d 'How many threads read the files; the output is the same [default: at most 4]' -r
complete -c promproc -n "__fish_promproc_using_subcommand merge" -s o -l output -d 'Replace FILE with the output in one step' -r -F
complete -c promproc -n "__fish_promproc_using_subcommand merge" -l type -d 'Only files of this metric type (comma-separated, may be repeated)' -r -f -a "counter\t''
gauge\t''
histogram\t''
summary\t''"
complete -c promproc -n "__fish_promproc_using_subcommand merge" -l mode -d 'Only gauges of this mode, e.g. livesum (comma-separated, may be repeated)' -r -f -a "all\t''
liveall\t''
livemax\t''
livemin\t''
livemostrecent\t''
livesum\t''
max\t''
min\t''
mostrecent\t''
sum\t''"
complete -c promproc -n "__fish_promproc_using_subcommand merge" -l pid -d 'Only files of this process (comma-separated, may be repeated)' -r
complete -c promproc -n "__fish_promproc_using_subcommand merge" -l name -d 'Only series of this family or sample name; * matches any characters, ? any one (comma-separated, may be repeated)' -r
complete -c promproc -n "__fish_promproc_using_subcommand merge" -l label -d 'Only series with this label (may be repeated; all must match)' -r
complete -c promproc -n "__fish_promproc_using_subcommand merge" -l match -d 'Only series that this PromQL selector matches, e.g. \'http_requests_total{path!="/slow"}\' (may be repeated: one must match)' -r
complete -c promproc -n "__fish_promproc_using_subcommand merge" -l drop -d 'Leave out the series that this PromQL selector matches, e.g. \'{instance="web-3"}\', whatever other filters take (may be repeated)' -r
complete -c promproc -n "__fish_promproc_using_subcommand merge" -l color -d 'When to use colour' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set'
always\t'Always'
never\t'Never'"
complete -c promproc -n "__fish_promproc_using_subcommand merge" -s r -l recursive -d 'Read every directory below PATH as well'
complete -c promproc -n "__fish_promproc_using_subcommand merge" -l if-exists -d 'Do nothing, silently, where PATH does not exist'
complete -c promproc -n "__fish_promproc_using_subcommand merge" -l sort -d 'Sort families by name and series by labels instead of keeping the client\'s order'
complete -c promproc -n "__fish_promproc_using_subcommand merge" -l no-accumulate -d 'Print histogram buckets as stored, not cumulated, and no _count (accumulate=False)'
complete -c promproc -n "__fish_promproc_using_subcommand merge" -l strict -d 'Stop with exit status 2, and no output, at the first damaged or unreadable file'
complete -c promproc -n "__fish_promproc_using_subcommand merge" -s q -l quiet -d 'Print no warnings, hints or summaries, only data and errors'
complete -c promproc -n "__fish_promproc_using_subcommand merge" -s v -l verbose -d 'Say more about the work, on standard error'
complete -c promproc -n "__fish_promproc_using_subcommand merge" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c promproc -n "__fish_promproc_using_subcommand explain" -l directory-label -d 'Add to every series the label NAME with the end of its directory\'s path that tells the directories apart, e.g. a/metrics and b/metrics: processes in different containers have equal pids' -r
complete -c promproc -n "__fish_promproc_using_subcommand explain" -s f -l format -d 'table: for people; json: JSON Lines, one object per series' -r -f -a "table\t''
json\t''"
complete -c promproc -n "__fish_promproc_using_subcommand explain" -l color -d 'When to use colour' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set'
always\t'Always'
never\t'Never'"
complete -c promproc -n "__fish_promproc_using_subcommand explain" -s r -l recursive -d 'Read every directory below PATH as well'
complete -c promproc -n "__fish_promproc_using_subcommand explain" -l if-exists -d 'Do nothing, silently, where PATH does not exist'
complete -c promproc -n "__fish_promproc_using_subcommand explain" -l all -d 'Show every series, and every entry instead of the 20 that matter most'
complete -c promproc -n "__fish_promproc_using_subcommand explain" -l buckets -d 'Show the buckets of a histogram process by process'
complete -c promproc -n "__fish_promproc_using_subcommand explain" -s q -l quiet -d 'Print no warnings, hints or summaries, only data and errors'
complete -c promproc -n "__fish_promproc_using_subcommand explain" -s v -l verbose -d 'Say more about the work, on standard error'
complete -c promproc -n "__fish_promproc_using_subcommand explain" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c promproc -n "__fish_promproc_using_subcommand check" -l directory-label -d 'Add to every series the label NAME with the end of its directory\'s path that tells the directories apart, e.g. a/metrics and b/metrics: processes in different containers have equal pids' -r
complete -c promproc -n "__fish_promproc_using_subcommand check" -s f -l format -d 'table: for people; json: one object with findings, summary and growth; prometheus: findings as metrics' -r -f -a "table\t''
json\t''
prometheus\t''"
complete -c promproc -n "__fish_promproc_using_subcommand check" -l fail-on -d 'Exit with 1 if there is a finding of at least this severity' -r -f -a "error\t''
warning\t''
info\t''
never\t''"
complete -c promproc -n "__fish_promproc_using_subcommand check" -l ignore -d 'Leave out findings with this code, e.g. \'dead-*\' (comma-separated, may be repeated)' -r -f -a "stuck-gauge\t''
dead-series\t''
dead-decides\t''
wrong-mode\t''
inherited-file\t''
held-by-child\t''
shared-file\t''
pid-reused\t''
minimum-zero\t''
never-set\t''
nan-decides\t''
mode-conflict\t''
type-conflict\t''
help-conflict\t''
label-conflict\t''
bucket-conflict\t''
bucket-layouts\t''
lost-series\t''
pid-label\t''
cut-pid\t''
unknown-mode\t''
surrogate\t''
era-mixture\t''
old-era\t''
damaged-file\t''
empty-file\t''
bad-key\t''
foreign-file\t''
unreadable-file\t''
wsl-layout\t''
removed-file\t''
negative-counter\t''
falling-counter\t''
odd-size\t''
missing-directory\t''
empty-directory\t''
not-writable\t''
not-tmpfs\t''
nearly-full\t''
several-owners\t''
interrupted-removal\t''
interrupted-compaction\t''
compactable\t''
other-files\t''
unseen-writers\t''
slow-scrape\t''"
complete -c promproc -n "__fish_promproc_using_subcommand check" -l watch -d 'Look twice, this far apart (500ms, 5s, 2m), and report counters that fell in between' -r
complete -c promproc -n "__fish_promproc_using_subcommand check" -l color -d 'When to use colour' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set'
always\t'Always'
never\t'Never'"
complete -c promproc -n "__fish_promproc_using_subcommand check" -s r -l recursive -d 'Read every directory below PATH as well'
complete -c promproc -n "__fish_promproc_using_subcommand check" -l if-exists -d 'Do nothing, silently, where PATH does not exist'
complete -c promproc -n "__fish_promproc_using_subcommand check" -s q -l quiet -d 'Print no warnings, hints or summaries, only data and errors'
complete -c promproc -n "__fish_promproc_using_subcommand check" -s v -l verbose -d 'Say more about the work, on standard error'
complete -c promproc -n "__fish_promproc_using_subcommand check" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c promproc -n "__fish_promproc_using_subcommand prune" -l pid -d 'Declare this process dead and remove its files without looking (comma-separated, may be repeated)' -r
complete -c promproc -n "__fish_promproc_using_subcommand prune" -l mode -d 'Prune gauges of this mode instead of all live modes; live means all of these, e.g. live,all (comma-separated, may be repeated)' -r -f -a "live\t'all live modes'
all\t''
liveall\t''
livemax\t''
livemin\t''
livemostrecent\t''
livesum\t''
max\t''
min\t''
mostrecent\t''
sum\t''"
complete -c promproc -n "__fish_promproc_using_subcommand prune" -l settle -d 'How long a file must be dead before it is removed, e.g. 500ms or 5s' -r
complete -c promproc -n "__fish_promproc_using_subcommand prune" -s f -l format -d 'text: for people, one line per directory (-v: per file); json: JSON Lines, one object per removed file' -r -f -a "text\t''
json\t''"
complete -c promproc -n "__fish_promproc_using_subcommand prune" -l color -d 'When to use colour' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set'
always\t'Always'
never\t'Never'"
complete -c promproc -n "__fish_promproc_using_subcommand prune" -s r -l recursive -d 'Prune every directory below PATH as well'
complete -c promproc -n "__fish_promproc_using_subcommand prune" -l if-exists -d 'Do nothing, silently, where PATH does not exist'
complete -c promproc -n "__fish_promproc_using_subcommand prune" -s n -l dry-run -d 'Say what would be removed, but remove nothing'
complete -c promproc -n "__fish_promproc_using_subcommand prune" -l force -d 'Prune even if no process that writes to the directory can be seen'
complete -c promproc -n "__fish_promproc_using_subcommand prune" -s q -l quiet -d 'Print no warnings, hints or summaries, only data and errors'
complete -c promproc -n "__fish_promproc_using_subcommand prune" -s v -l verbose -d 'Say more about the work, on standard error'
complete -c promproc -n "__fish_promproc_using_subcommand prune" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c promproc -n "__fish_promproc_using_subcommand compact" -l min-files -d 'Fold only where at least this many files can be folded' -r
complete -c promproc -n "__fish_promproc_using_subcommand compact" -l wait -d 'How long to wait for a moment without scrapes, and for other compactions, e.g. 5s or 1m' -r
complete -c promproc -n "__fish_promproc_using_subcommand compact" -s f -l format -d 'text: for people, a line a directory; json: JSON Lines, one object a directory' -r -f -a "text\t''
json\t''"
complete -c promproc -n "__fish_promproc_using_subcommand compact" -l color -d 'When to use colour' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set'
always\t'Always'
never\t'Never'"
complete -c promproc -n "__fish_promproc_using_subcommand compact" -s r -l recursive -d 'Compact every directory below PATH as well'
complete -c promproc -n "__fish_promproc_using_subcommand compact" -l if-exists -d 'Do nothing, silently, where PATH does not exist'
complete -c promproc -n "__fish_promproc_using_subcommand compact" -l unquiet -d 'Do not wait for a moment without scrapes'
complete -c promproc -n "__fish_promproc_using_subcommand compact" -s n -l dry-run -d 'Say what would be folded and removed, but change nothing'
complete -c promproc -n "__fish_promproc_using_subcommand compact" -s q -l quiet -d 'Print no warnings, hints or summaries, only data and errors'
complete -c promproc -n "__fish_promproc_using_subcommand compact" -s v -l verbose -d 'Say more about the work, on standard error'
complete -c promproc -n "__fish_promproc_using_subcommand compact" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c promproc -n "__fish_promproc_using_subcommand clean" -l dir-mode -d 'Permissions for a directory that has to be created, in octal' -r
complete -c promproc -n "__fish_promproc_using_subcommand clean" -s f -l format -d 'text: for people, one line, and with --verbose one a file; json: JSON Lines, one object a removed file' -r -f -a "text\t''
json\t''"
complete -c promproc -n "__fish_promproc_using_subcommand clean" -l color -d 'When to use colour' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set'
always\t'Always'
never\t'Never'"
complete -c promproc -n "__fish_promproc_using_subcommand clean" -l no-create -d 'Fail where the directory does not exist, instead of creating it'
complete -c promproc -n "__fish_promproc_using_subcommand clean" -l if-exists -d 'Do nothing, silently, where the directory does not exist, instead of creating it'
complete -c promproc -n "__fish_promproc_using_subcommand clean" -l force -d 'Remove files even if a live process has them open; what it counts from then on is lost'
complete -c promproc -n "__fish_promproc_using_subcommand clean" -l keep-live -d 'Keep the files that a live process has open and remove the rest'
complete -c promproc -n "__fish_promproc_using_subcommand clean" -s n -l dry-run -d 'Say what would be removed, but remove nothing'
complete -c promproc -n "__fish_promproc_using_subcommand clean" -s q -l quiet -d 'Print no warnings, hints or summaries, only data and errors'
complete -c promproc -n "__fish_promproc_using_subcommand clean" -s v -l verbose -d 'Say more about the work, on standard error'
complete -c promproc -n "__fish_promproc_using_subcommand clean" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c promproc -n "__fish_promproc_using_subcommand top" -l directory-label -d 'Add to every series the label NAME with the end of its directory\'s path that tells the directories apart, e.g. a/metrics and b/metrics: processes in different containers have equal pids' -r
complete -c promproc -n "__fish_promproc_using_subcommand top" -s i -l interval -d 'The time from one reading to the next, e.g. 500ms or 5s' -r
complete -c promproc -n "__fish_promproc_using_subcommand top" -l sort -d 'What comes first: the fastest change (up or down), the greatest value, or the first name' -r -f -a "rate\t''
value\t''
name\t''"
complete -c promproc -n "__fish_promproc_using_subcommand top" -l by -d 'Show one row per series, family or process' -r -f -a "series\t''
family\t''
pid\t''"
complete -c promproc -n "__fish_promproc_using_subcommand top" -s f -l format -d 'What --once prints. table: for people; json: JSON Lines, one object a row' -r -f -a "table\t''
json\t''"
complete -c promproc -n "__fish_promproc_using_subcommand top" -l batch -d 'Print N rounds as tables and exit' -r
complete -c promproc -n "__fish_promproc_using_subcommand top" -l type -d 'Only files of this metric type (comma-separated, may be repeated)' -r -f -a "counter\t''
gauge\t''
histogram\t''
summary\t''"
complete -c promproc -n "__fish_promproc_using_subcommand top" -l mode -d 'Only gauges of this mode, e.g. livesum (comma-separated, may be repeated)' -r -f -a "all\t''
liveall\t''
livemax\t''
livemin\t''
livemostrecent\t''
livesum\t''
max\t''
min\t''
mostrecent\t''
sum\t''"
complete -c promproc -n "__fish_promproc_using_subcommand top" -l pid -d 'Only files of this process (comma-separated, may be repeated)' -r
complete -c promproc -n "__fish_promproc_using_subcommand top" -l name -d 'Only series of this family or sample name; * matches any characters, ? any one (comma-separated, may be repeated)' -r
complete -c promproc -n "__fish_promproc_using_subcommand top" -l label -d 'Only series with this label (may be repeated; all must match)' -r
complete -c promproc -n "__fish_promproc_using_subcommand top" -l match -d 'Only series that this PromQL selector matches, e.g. \'http_requests_total{path!="/slow"}\' (may be repeated: one must match)' -r
complete -c promproc -n "__fish_promproc_using_subcommand top" -l drop -d 'Leave out the series that this PromQL selector matches, e.g. \'{instance="web-3"}\', whatever other filters take (may be repeated)' -r
complete -c promproc -n "__fish_promproc_using_subcommand top" -l color -d 'When to use colour' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set'
always\t'Always'
never\t'Never'"
complete -c promproc -n "__fish_promproc_using_subcommand top" -s r -l recursive -d 'Read every directory below PATH as well'
complete -c promproc -n "__fish_promproc_using_subcommand top" -l if-exists -d 'Do nothing, silently, where PATH does not exist'
complete -c promproc -n "__fish_promproc_using_subcommand top" -l once -d 'Print one table, without rates, and exit'
complete -c promproc -n "__fish_promproc_using_subcommand top" -s q -l quiet -d 'Print no warnings, hints or summaries, only data and errors'
complete -c promproc -n "__fish_promproc_using_subcommand top" -s v -l verbose -d 'Say more about the work, on standard error'
complete -c promproc -n "__fish_promproc_using_subcommand top" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c promproc -n "__fish_promproc_using_subcommand completions" -l color -d 'When to use colour' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set'
always\t'Always'
never\t'Never'"
complete -c promproc -n "__fish_promproc_using_subcommand completions" -s q -l quiet -d 'Print no warnings, hints or summaries, only data and errors'
complete -c promproc -n "__fish_promproc_using_subcommand completions" -s v -l verbose -d 'Say more about the work, on standard error'
complete -c promproc -n "__fish_promproc_using_subcommand completions" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c promproc -n "__fish_promproc_using_subcommand man" -l color -d 'When to use colour' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set'
always\t'Always'
never\t'Never'"
complete -c promproc -n "__fish_promproc_using_subcommand man" -s q -l quiet -d 'Print no warnings, hints or summaries, only data and errors'
complete -c promproc -n "__fish_promproc_using_subcommand man" -s v -l verbose -d 'Say more about the work, on standard error'
complete -c promproc -n "__fish_promproc_using_subcommand man" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c promproc -n "__fish_promproc_using_subcommand help; and not __fish_seen_subcommand_from find dump merge explain check prune compact clean top completions man help" -f -a "find" -d 'Find the multiprocess directories that running processes use'
complete -c promproc -n "__fish_promproc_using_subcommand help; and not __fish_seen_subcommand_from find dump merge explain check prune compact clean top completions man help" -f -a "dump" -d 'Show what is in the files, entry by entry, without merging'
complete -c promproc -n "__fish_promproc_using_subcommand help; and not __fish_seen_subcommand_from find dump merge explain check prune compact clean top completions man help" -f -a "merge" -d 'Merge all processes\' files into one exposition, as the official client would'
complete -c promproc -n "__fish_promproc_using_subcommand help; and not __fish_seen_subcommand_from find dump merge explain check prune compact clean top completions man help" -f -a "explain" -d 'Say why a series has its value: which process, which file, alive or dead'
complete -c promproc -n "__fish_promproc_using_subcommand help; and not __fish_seen_subcommand_from find dump merge explain check prune compact clean top completions man help" -f -a "check" -d 'Find what is wrong with a directory, what it does to the numbers, and what fixes it'
complete -c promproc -n "__fish_promproc_using_subcommand help; and not __fish_seen_subcommand_from find dump merge explain check prune compact clean top completions man help" -f -a "prune" -d 'Remove the live gauges of dead processes, as mark_process_dead does for one'
complete -c promproc -n "__fish_promproc_using_subcommand help; and not __fish_seen_subcommand_from find dump merge explain check prune compact clean top completions man help" -f -a "compact" -d 'Fold the files of dead processes into archives, without losing a count'
complete -c promproc -n "__fish_promproc_using_subcommand help; and not __fish_seen_subcommand_from find dump merge explain check prune compact clean top completions man help" -f -a "clean" -d 'Remove all metric files from a directory before the service starts'
complete -c promproc -n "__fish_promproc_using_subcommand help; and not __fish_seen_subcommand_from find dump merge explain check prune compact clean top completions man help" -f -a "top" -d 'Watch the series, families and processes of a directory, live'
complete -c promproc -n "__fish_promproc_using_subcommand help; and not __fish_seen_subcommand_from find dump merge explain check prune compact clean top completions man help" -f -a "completions" -d 'Print the completion script for a shell'
complete -c promproc -n "__fish_promproc_using_subcommand help; and not __fish_seen_subcommand_from find dump merge explain check prune compact clean top completions man help" -f -a "man" -d 'Print the manual page of promproc or of a command'
complete -c promproc -n "__fish_promproc_using_subcommand help; and not __fish_seen_subcommand_from find dump merge explain check prune compact clean top completions man help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
