# fish completion for wpsbench: wpsbench completion fish > ~/.config/fish/completions/wpsbench.fish
complete -c wpsbench -a '(wpsbench __complete -- (commandline -opc)[2..] (commandline -ct))'
