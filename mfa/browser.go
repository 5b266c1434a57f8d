package mfa

import "strings"

// browserName makes a User-Agent header readable: "Chrome / Windows". It is a courtesy to people who look for a browser they
// know; nothing is decided by it. What it does not know it leaves out.
func browserName(agent string) string {
	first := func(names ...[2]string) string {
		for _, n := range names {
			if strings.Contains(agent, n[0]) {
				return n[1]
			}
		}
		return ""
	}
	// The order matters: browsers name those they descend from as well.
	browser := first(
		[2]string{"Edg", "Edge"}, [2]string{"OPR/", "Opera"}, [2]string{"SamsungBrowser/", "Samsung Internet"},
		[2]string{"Firefox/", "Firefox"}, [2]string{"FxiOS/", "Firefox"},
		[2]string{"CriOS/", "Chrome"}, [2]string{"Chrome/", "Chrome"}, [2]string{"Safari/", "Safari"},
	)
	system := first(
		[2]string{"iPhone", "iPhone"}, [2]string{"iPad", "iPad"}, [2]string{"Android", "Android"},
		[2]string{"Windows", "Windows"}, [2]string{"CrOS", "ChromeOS"}, [2]string{"Macintosh", "macOS"}, [2]string{"Linux", "Linux"},
	)
	switch {
	case browser == "":
		return system
	case system == "":
		return browser
	}
	return browser + " / " + system
}
