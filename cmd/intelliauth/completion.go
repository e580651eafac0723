package main

import (
	"context"
	"fmt"
	"strings"

	"github.com/alecthomas/kong"
)

type completionCommand struct {
	Shell string `arg:"" enum:"bash,zsh,fish" help:"bash, zsh or fish."`
}

func (c *completionCommand) Run(_ context.Context, m *Main, k *kong.Kong) error {
	var b strings.Builder
	switch c.Shell {
	case "fish":
		eachCommand(k.Model.Node, "", func(path string, words []string) {
			seen := "__fish_use_subcommand"
			if path != "" {
				seen = fmt.Sprintf("string match -qr -- '^intelliauth %s( -\\S+)* *\\S*$' (commandline -cp)", path)
			}
			fmt.Fprintf(&b, "complete -c intelliauth -f -n \"%s\" -a \"%s\"\n", seen, strings.Join(words, " "))
		})
	case "zsh":
		b.WriteString("autoload -U +X bashcompinit && bashcompinit\n")
		bashCompletion(&b, k.Model.Node)
	default:
		bashCompletion(&b, k.Model.Node)
	}
	_, err := fmt.Fprint(m.Stdout, b.String())
	return err
}

// bashCompletion offers, after each command, its subcommands and flags, and
// files where neither fits.
func bashCompletion(b *strings.Builder, root *kong.Node) {
	b.WriteString("_intelliauth() {\n  local path=\"\" word\n  for word in \"${COMP_WORDS[@]:1:COMP_CWORD-1}\"; do\n" +
		"    [[ $word == -* ]] || path=\"$path$word \"\n  done\n  case \"$path\" in\n")
	eachCommand(root, "", func(path string, words []string) {
		pattern := `""`
		if path != "" {
			pattern = `"` + path + ` "*`
		}
		// The most specific pattern has to come first: see eachCommand.
		fmt.Fprintf(b, "  %s) COMPREPLY=($(compgen -W \"%s\" -- \"${COMP_WORDS[COMP_CWORD]}\")) ;;\n", pattern, strings.Join(words, " "))
	})
	b.WriteString("  esac\n}\ncomplete -o default -F _intelliauth intelliauth\n")
}

// eachCommand visits every command, the deepest first, with the words that may
// follow it.
func eachCommand(n *kong.Node, path string, visit func(path string, words []string)) {
	var words []string
	for _, child := range n.Children {
		eachCommand(child, strings.TrimSpace(path+" "+child.Name), visit)
		words = append(words, child.Name)
	}
	for _, flag := range n.Flags {
		words = append(words, "--"+flag.Name)
	}
	visit(path, words)
}
