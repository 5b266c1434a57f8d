package templates

import (
	"net/url"
	"strings"
)

// PathLogo is below which the logos of applications are.
const PathLogo = "/logo"

// LogoURL is the address of the logo of an application, for the views that show one; empty for one that has none. It is another for
// another picture.
func LogoURL(clientID, version string) string {
	if version == "" {
		return ""
	}
	return PathLogo + "/" + url.PathEscape(clientID) + "?v=" + url.QueryEscape(version)
}

// initial stands for the logo of an application that has none.
func initial(name string) string {
	for _, r := range name {
		return strings.ToUpper(string(r))
	}
	return ""
}
