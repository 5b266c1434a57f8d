// Package standing reads where a sign-in or a session stands: who it is about, what was proved, what is demanded, and which
// step signin.Next makes of it.
//
// It owns that reading, so that the dispatcher, the pages of the steps and the transactions that act on the answer all ask the
// same question of the same rows. It must not change a row, and it knows nothing of HTTP.
package standing
