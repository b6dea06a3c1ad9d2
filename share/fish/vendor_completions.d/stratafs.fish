# fish completion for stratafs. "stratafs completion fish" prints it; "stratafs __complete" answers it.

function __stratafs_complete
    set -l words
    for word in (commandline -opc)[2..-1]
        set -a words (string escape -- $word)
    end
    set -l current (commandline -ct)
    for line in (command stratafs __complete -- $words "$current" 2>/dev/null </dev/null)
        if string match -qr '^:(?:files|directories) ' -- $line
            set -l prefix (string replace -r '^\S+ ' '' -- $line)
            set -l typed (string unescape -- "$current"; or echo "$current")
            set -l path (string sub -s (math 1 + (string length -- "$prefix")) -- "$typed")
            set -l found
            if string match -q ':files *' -- $line
                set found (__fish_complete_path "$path")
            else
                set found (__fish_complete_directories "$path" '')
            end
            for each in $found
                printf '%s%s\n' "$prefix" $each
            end
        else
            printf '%s\n' $line
        end
    end
end

complete -c stratafs -f -k -a '(__stratafs_complete)'
