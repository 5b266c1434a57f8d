// Package e2e tests the product as people use it: real Chromium against `futakagi demo`, from the store through the provider
// and back, with mail that really travels, on SQLite and on PostgreSQL.
//
// There is one test per rule of the platform's manual (TestM01 to TestM23), one for the story the product was born from, what
// people do that they should not (back, double clicks, two tabs, no cookies, no script), and every screen checked for
// accessibility, layout and policy violations. It must not reach into the server for what a browser, the inbox or the console
// can tell.
package e2e
