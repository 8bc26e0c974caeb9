# bash completion for wpsbench: source <(wpsbench completion bash)
_wpsbench() {
	local line=${COMP_LINE:0:COMP_POINT} cur= program
	local -a words
	read -ra words <<<"$line"
	program=${words[0]}
	words=("${words[@]:1}")
	if [[ $line != *[[:space:]] ]]; then
		cur=${words[${#words[@]} - 1]}
		unset "words[${#words[@]} - 1]"
	fi
	COMPREPLY=()
	# bash replaces only what stands behind the last ":" or "=" of a word.
	local before=${cur%"${cur##*[:=]}"} reply
	while read -r reply; do
		COMPREPLY+=("${reply#"$before"}")
	done < <("$program" __complete -- "${words[@]}" "$cur" 2>/dev/null)
}
complete -o bashdefault -o default -F _wpsbench wpsbench
