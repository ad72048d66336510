/** The shells for which there is a script. */
export const SHELLS = ["bash", "zsh", "fish", "powershell"] as const;

const BASH = `# bash completion for ocilot; load it with: source <(ocilot completion bash)
_ocilot() {
  local line directive=''
  COMPREPLY=()
  while IFS= read -r line; do
    if [[ -z $directive ]]; then directive=$line; else COMPREPLY+=("$line"); fi
  done < <(command ocilot __complete bash "\${COMP_LINE:0:COMP_POINT}" "$COMP_WORDBREAKS" 2>/dev/null)
  case $directive in
    none*) compopt +o default 2>/dev/null || : ;;
    directories*) compopt -o dirnames 2>/dev/null || : ;;
  esac
  if [[ $directive == *open* && \${#COMPREPLY[@]} -gt 0 ]]; then compopt -o nospace 2>/dev/null || :; fi
  return 0
}
complete -o default -F _ocilot ocilot
`;

const ZSH = `#compdef ocilot
# zsh completion for ocilot; save it as _ocilot in a directory of $fpath, or: source <(ocilot completion zsh)
_ocilot() {
  local -a lines described more
  local directive line
  lines=("\${(@f)$(command ocilot __complete zsh "\${(@Q)words[2,CURRENT-1]}" "\${(Q)PREFIX}" 2>/dev/null)}")
  directive=$lines[1]
  shift lines
  for line in $lines; do
    if [[ $line == *$'\\t'* ]]; then described+=("\${\${line%%$'\\t'*}//:/\\\\:}:\${line#*$'\\t'}"); else described+=("\${line//:/\\\\:}"); fi
  done
  if [[ $directive == *open* ]]; then more=(-S ''); fi
  if (( $#described )); then _describe -t ocilot ocilot described "\${more[@]}"; fi
  case $directive in
    files*) _files "\${more[@]}" ;;
    directories*) _files -/ ;;
  esac
  return 0
}
if [[ $funcstack[1] == _ocilot ]]; then _ocilot "$@"; else compdef _ocilot ocilot; fi
`;

const FISH = `# fish completion for ocilot; save it as ~/.config/fish/completions/ocilot.fish, or: ocilot completion fish | source
function __ocilot_complete
    set -l words (commandline -opc)
    # Without quotes, also where one is still open.
    set -l current (string unescape -- (commandline -ct))
    set -l lines (command ocilot __complete fish $words[2..-1] "$current" 2>/dev/null)
    for line in $lines[2..-1]
        echo $line
    end
    switch "$lines[1]"
        case 'files*'
            __fish_complete_path "$current"
        case 'directories*'
            __fish_complete_directories "$current"
    end
end
complete -c ocilot -e
complete -c ocilot -f -a '(__ocilot_complete)'
`;

/** The words are those of the syntax tree up to the cursor; the last is empty where a space stands before the cursor. */
const POWERSHELL = `# PowerShell completion for ocilot; load it with: ocilot completion powershell | Out-String | Invoke-Expression
Register-ArgumentCompleter -Native -CommandName ocilot -ScriptBlock {
    param($wordToComplete, $commandAst, $cursorPosition)
    $words = @($commandAst.CommandElements | Select-Object -Skip 1 |
        Where-Object { $_.Extent.StartOffset -lt $cursorPosition } | ForEach-Object { $_.Extent.Text })
    if ($wordToComplete -ne '' -and $words.Count -gt 0) { $words = @($words | Select-Object -SkipLast 1) }
    $asked = @($words | ForEach-Object { $_.Trim("'", '"') }) + @($wordToComplete.Trim("'", '"'))
    # PowerShell before 7.3 drops an empty argument; the name ends with a dot that ocilot takes off again.
    $lines = @(& (Get-Command ocilot -CommandType Application | Select-Object -First 1) __complete powershell @($asked | ForEach-Object { "$_." }) 2>$null)
    if ($lines.Count -eq 0) { return }
    $lines | Select-Object -Skip 1 | ForEach-Object {
        $value, $describe = $_ -split "\`t", 2
        if (-not $describe) { $describe = $value }
        [System.Management.Automation.CompletionResult]::new($value, $value, 'ParameterValue', $describe)
    }
    if ($lines[0] -match '^(files|directories)') {
        $directoriesOnly = $lines[0].StartsWith('directories')
        Get-ChildItem -Path "$($wordToComplete.Trim("'", '"'))*" -ErrorAction SilentlyContinue |
            Where-Object { -not $directoriesOnly -or $_.PSIsContainer } |
            ForEach-Object {
                $path = (Split-Path -Parent $wordToComplete.Trim("'", '"'))
                $text = if ($path) { Join-Path $path $_.Name } else { $_.Name }
                if ($text -match '[^A-Za-z0-9._:@/\\+%=~-]') { $text = "'" + $text.Replace("'", "''") + "'" }
                [System.Management.Automation.CompletionResult]::new($text, $_.Name, 'ProviderItem', $text)
            }
    }
}
`;

/** Returns the completion script of a shell. It never fails the shell: without an answer it completes files. */
export function completionScript(shell: (typeof SHELLS)[number]): string {
  return { bash: BASH, zsh: ZSH, fish: FISH, powershell: POWERSHELL }[shell];
}
