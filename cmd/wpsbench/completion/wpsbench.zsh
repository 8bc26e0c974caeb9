#compdef wpsbench
# zsh completion for wpsbench: source <(wpsbench completion zsh)
_wpsbench() {
	local -a reply
	reply=("${(@f)$("$words[1]" __complete -- "${(@)words[2,CURRENT]}" 2>/dev/null)}")
	compadd -- "${(@)reply:#}"
	_files
}
compdef _wpsbench wpsbench
