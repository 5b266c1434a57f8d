// Package templates owns everything a person sees: the HTML pages and mails,
// their Japanese and English texts, the style sheet, the script and the icon.
//
// Each page is one file bound to one view struct of plain values (see Set).
// Handlers fill the struct; nothing here reads a request, a row or a clock,
// and nothing here decides a rule. Everything is parsed once, in New, so a
// broken template stops the start and never a request.
//
// The package must not know the store, the protocol or any feature.
package templates
