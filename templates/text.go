package templates

// CodeText writes the text message that carries a verification code. Its last line binds the code to the host of the sign-in
// pages, in the form of the WICG's origin-bound one-time codes: phones that know it offer the code there and on no other site.
// With a host of up to 40 characters the message fits one segment: 70 characters in Japanese, 160 in English.
func (s *Set) CodeText(lang Lang, v CodeMail, host string) string {
	return s.T(lang, textCode, "code", v.Code, "n", v.Minutes) + "\n@" + host + " #" + v.Code
}
