package scenario

import (
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/lexer"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"
)

// Limits on what the YAML parser is given: it recurses by depth, and a mapping
// costs it the square of its keys.
const (
	maxDepth  = 32
	maxTokens = 50_000
)

const byteOrderMark = "\ufeff"

// nodeKind is the shape of a YAML value.
type nodeKind uint8

const (
	scalar nodeKind = iota
	mapping
	sequence
)

// node is a YAML value. It is all the rest of the package knows of YAML.
type node struct {
	kind  nodeKind
	path  string // from the root: populations.members.join, faults.0.at
	key   place  // of the key that holds the value; of the value itself in a list
	value place

	text     string // of a scalar, unquoted
	quoted   bool   // a scalar that is text whatever it looks like
	verbatim bool   // the file has the text at value, behind the quote if there is one
	null     bool

	entries []entry // of a mapping, in the order of the file, doubles included
	items   []*node // of a sequence

	probe *probe // it stands for any value of its kind: see Schema
}

type entry struct {
	key   string
	value *node
}

// place is a stretch of one line, counted from 1 in characters. Line 0 with a
// column is a stretch of a --set argument, which then is the file.
type place struct {
	file                 string
	line, column, length int
}

func (p place) pos() Pos {
	if p.line == 0 {
		return Pos{}
	}
	return Pos{Line: p.line, Column: p.column}
}

func (p place) problem(path, message, label, help string) Problem {
	return Problem{
		File: p.file, Line: p.line, Column: p.column, Length: p.length,
		Message: message, Label: label, Help: help, path: path,
	}
}

// assignPaths tells every node where it stands.
func assignPaths(n *node, path string) {
	n.path = path
	for i := range n.entries {
		assignPaths(n.entries[i].value, under(path, n.entries[i].key))
	}
	for i, item := range n.items {
		assignPaths(item, under(path, fmt.Sprint(i)))
	}
}

func under(path, key string) string {
	if path == "" {
		return key
	}
	return path + "." + key
}

// reader turns one YAML document into nodes.
type reader struct {
	file  string
	lines []string
}

// readTree parses a document; without one there is no root. A problem is one of YAML;
// what the values mean is the decoder's affair.
func readTree(file string, src []byte) (root *node, problem *Problem) {
	r := &reader{file: file}
	if len(src) > MaxFileBytes {
		return nil, r.fail(nil, "the file is larger than 1 MiB", "", "")
	}
	if !utf8.Valid(src) {
		return nil, r.fail(nil, "the file is not UTF-8 text", "", "")
	}
	r.lines = splitLines(src)
	// The parser is not ours and the file may come from anybody.
	defer func() {
		if recover() != nil {
			root, problem = nil, r.fail(nil, "not valid YAML", "the parser cannot read it", "")
		}
	}()
	tokens := lexer.Tokenize(strings.Join(r.lines, "\n"))
	if p := r.checkTokens(tokens); p != nil {
		return nil, p
	}
	tree, err := parser.Parse(tokens, 0, parser.AllowDuplicateMapKey())
	if err != nil {
		return nil, r.syntax(err)
	}
	if len(tree.Docs) == 0 || tree.Docs[0].Body == nil {
		return nil, nil
	}
	n, p := r.node(tree.Docs[0].Body)
	if p != nil {
		return nil, p
	}
	return n, nil
}

func (r *reader) syntax(err error) *Problem {
	var e yaml.Error
	if !errors.As(err, &e) {
		return r.fail(nil, "not valid YAML", "", "")
	}
	message, tk := e.GetMessage(), e.GetToken()
	if tk == nil {
		return r.fail(nil, "not valid YAML: "+printable(message), "", "")
	}
	help := ""
	at := r.place(tk)
	switch written := string([]rune(r.lines[at.line-1])[at.column-1:]); {
	case strings.Contains(message, "\t"):
		message, help = "a tab where there must be spaces", "indent with spaces"
	case strings.HasPrefix(written, "@"):
		help = "quote a text that starts with @"
	case strings.HasPrefix(written, "{") && strings.Contains(r.lines[at.line-1], "${"):
		help = "quote a text with ${NAME} inside of braces"
	}
	return r.fail(tk, "not valid YAML: "+printable(message), "", help)
}

func (r *reader) fail(tk *token.Token, message, label, help string) *Problem {
	p := place{file: r.file}
	if tk != nil {
		p = r.place(tk)
	}
	problem := p.problem("", message, label, help)
	return &problem
}

// checkTokens refuses what the format does without, and what would cost the
// parser too much: nesting by brackets, by indentation or by dashes in one line.
func (r *reader) checkTokens(tokens token.Tokens) *Problem {
	if len(tokens) > maxTokens {
		return r.fail(tokens[maxTokens], "the file holds too many values", fmt.Sprintf("more than %d up to here", maxTokens/4), "")
	}
	var columns []int // of the first tokens of lines, growing
	flow, dashes, line := 0, 0, 0
	begun, ended := false, false // the document
	for _, tk := range tokens {
		if tk.Type == token.CommentType {
			continue
		}
		if ended {
			return r.fail(tk, "a file holds one scenario", "a second document", "")
		}
		switch tk.Type {
		case token.AnchorType, token.AliasType, token.MergeKeyType:
			return r.fail(tk, "anchors and aliases are not supported", "an anchor, alias or merge key", "write the value out where it is needed")
		case token.TagType, token.DirectiveType, token.MappingKeyType:
			return r.fail(tk, "tags, directives and complex keys are not supported", "", "")
		case token.DocumentHeaderType:
			if begun {
				return r.fail(tk, "a file holds one scenario", "a second document", "")
			}
		case token.DocumentEndType:
			ended = true
		case token.MappingStartType, token.SequenceStartType:
			flow++
		case token.MappingEndType, token.SequenceEndType:
			flow--
		case token.SequenceEntryType:
			dashes++
		default: // keys and values
		}
		begun = true
		if tk.Position.Line != line {
			line, dashes = tk.Position.Line, 0
			if flow == 0 {
				for len(columns) > 0 && columns[len(columns)-1] >= tk.Position.Column {
					columns = columns[:len(columns)-1]
				}
				columns = append(columns, tk.Position.Column)
			}
		}
		if max(flow, dashes, len(columns)) > maxDepth {
			return r.fail(tk, "the file is nested too deeply", fmt.Sprintf("level %d", maxDepth+1), "")
		}
	}
	return nil
}

// place finds a token in its line. The parser's own position is trusted only as
// far as the line goes.
func (r *reader) place(tk *token.Token) place {
	line := min(max(1, tk.Position.Line), len(r.lines))
	width := utf8.RuneCountInString(r.lines[line-1])
	column := min(max(1, tk.Position.Column), width+1)
	text, _, _ := strings.Cut(strings.TrimSpace(tk.Origin), "\n")
	length := utf8.RuneCountInString(strings.TrimSpace(text))
	return place{file: r.file, line: line, column: column, length: min(max(1, length), max(1, width-column+1))}
}

// node converts one value. Depth is bounded by checkTokens.
func (r *reader) node(from ast.Node) (*node, *Problem) {
	at := r.place(from.GetToken())
	n := &node{key: at, value: at}
	switch from := from.(type) {
	case *ast.MappingNode:
		return r.mapping(n, from)
	case *ast.SequenceNode:
		n.kind = sequence
		for _, v := range from.Values {
			item, p := r.node(v)
			if p != nil {
				return nil, p
			}
			n.items = append(n.items, item)
		}
	case *ast.StringNode:
		n.text = from.Value
		n.quoted = from.Token.Type != token.StringType
		written := []rune(r.lines[at.line-1])[at.column-1:]
		n.verbatim = strings.HasPrefix(strings.TrimLeft(string(written), `"'`), n.text)
	case *ast.LiteralNode:
		n.text, n.quoted = from.Value.Value, true
		n.value = r.place(from.Start)
	case *ast.NullNode:
		n.null = true
	case *ast.IntegerNode, *ast.FloatNode, *ast.BoolNode, *ast.InfinityNode, *ast.NanNode:
		n.text = from.GetToken().Value
	default:
		return nil, r.fail(from.GetToken(), "this kind of YAML value is not supported", "", "")
	}
	return n, nil
}

func (r *reader) mapping(n *node, from *ast.MappingNode) (*node, *Problem) {
	n.kind = mapping
	for i, v := range from.Values {
		tk := v.Key.GetToken()
		key, ok := v.Key.(ast.ScalarNode)
		if !ok {
			return nil, r.fail(tk, "a key must be a word", "", "")
		}
		value, p := r.node(v.Value)
		if p != nil {
			return nil, p
		}
		value.key = r.place(key.GetToken())
		if i == 0 && !from.IsFlowStyle {
			n.key, n.value = value.key, value.key
		}
		n.entries = append(n.entries, entry{key: tk.Value, value: value})
	}
	return n, nil
}
