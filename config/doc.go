// Package config owns the settings of the program: one typed struct, where each
// value may come from (a YAML file, FUTAKAGI_* variables, files that hold
// secrets), what values are allowed, and the example file that documents them.
//
// Precedence is environment over file over default. Everything that is wrong is
// reported in one go, each entry naming the setting, the problem and the fix;
// no message ever contains the value of a secret.
//
// The package does not know who uses a setting. Only package cmd/futakagi
// imports it, and fills the Config of each part from it.
package config
