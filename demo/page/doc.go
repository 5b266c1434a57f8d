// Package page draws the small web pages of the demo's own sites: the layout,
// the style sheet, the choice of language and the headers every answer carries.
//
// It owns how the demo's sites look. It must not know what a relying party or
// an inbox is, and it is never used by the provider, which has its own pages.
package page
