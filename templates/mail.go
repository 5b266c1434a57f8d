package templates

import (
	"bytes"
	"fmt"
	"html/template"
	"strings"
	texttemplate "text/template"
)

// Message is a finished mail without its addresses.
type Message struct {
	// Subject is one line.
	Subject string
	// Text and HTML say the same.
	Text, HTML string
}

// Mail is one mail bound to its view struct.
type Mail[T any] struct {
	subject  string
	brand    Brand
	catalogs map[Lang]catalog
	text     map[Lang]*texttemplate.Template
	html     map[Lang]*template.Template
}

// mailData is what a mail template sees.
type mailData[T any] struct {
	Lang Lang
	B    Brand
	V    T
}

// Build writes the mail in lang.
func (m Mail[T]) Build(lang Lang, v T) (Message, error) {
	lang = frameLang(Frame{Lang: lang})
	if m.text[lang] == nil {
		return Message{}, fmt.Errorf("build mail: the mail was not made by New")
	}
	d := mailData[T]{Lang: lang, B: m.brand, V: v}
	args := []any{"brand", m.brand.Name}
	if code, ok := any(v).(CodeMail); ok {
		args = append(args, "code", code.Code)
	}
	var text, html bytes.Buffer
	if err := m.text[lang].ExecuteTemplate(&text, "mail", d); err != nil {
		return Message{}, fmt.Errorf("build mail text: %w", err)
	}
	if err := m.html[lang].ExecuteTemplate(&html, "mail", d); err != nil {
		return Message{}, fmt.Errorf("build mail html: %w", err)
	}
	return Message{
		Subject: oneLine(m.catalogs[lang].text(m.subject, args...)),
		Text:    strings.TrimSpace(text.String()) + "\n",
		HTML:    html.String(),
	}, nil
}

// oneLine keeps a subject from breaking into further header lines.
func oneLine(s string) string {
	return strings.Join(strings.FieldsFunc(s, func(r rune) bool { return r < ' ' || r == 0x7f }), " ")
}
