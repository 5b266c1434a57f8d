package templates

import (
	"html/template"
	"strings"
)

// drawIcon returns the function that draws our line icons. They carry no meaning of their own: the words beside
// them do. An unknown name draws a shield.
func drawIcon() func(name string, classes ...string) template.HTML {
	drawings := icons()
	return func(name string, classes ...string) template.HTML {
		paths, ok := drawings[name]
		if !ok {
			paths = drawings["shield"]
		}
		class := strings.Join(append([]string{"icon"}, classes...), " ")
		return template.HTML(`<svg class="` + class + `" viewBox="0 0 24 24" aria-hidden="true" focusable="false">` + paths + `</svg>`) //nolint:gosec // classes are literals of our own templates, drawings are constants
	}
}

// icons are the drawings by name; those named after a kind of factor stand for it.
func icons() map[string]string {
	return map[string]string{
		"alert":        `<circle cx="12" cy="12" r="9"/><path d="M12 7.500v5.500M12 16.200h.01"/>`,
		"apps":         `<path d="M9 3.500V8M15 3.500V8M6.500 8h11v3.500a5.500 5.500 0 0 1-11 0V8ZM12 17v3.500"/>`,
		"arrow":        `<path d="M4.500 12h15m-5.500-5.500 5.500 5.500-5.500 5.500"/>`,
		"audit":        `<path d="M6.500 3.500h11A1.500 1.500 0 0 1 19 5v14a1.500 1.500 0 0 1-1.500 1.500h-11A1.500 1.500 0 0 1 5 19V5a1.500 1.500 0 0 1 1.500-1.500ZM8.500 8.500h7M8.500 12h7M8.500 15.500h4"/>`,
		"back":         `<path d="M15 5.500 8.500 12l6.500 6.500"/>`,
		"check":        `<path d="m5 12.500 4.500 4.500L19 7.500"/>`,
		"clients":      `<path d="M9 3.500V8M15 3.500V8M6.500 8h11v3.500a5.500 5.500 0 0 1-11 0V8ZM12 17v3.500"/>`,
		"clock":        `<circle cx="12" cy="12" r="9"/><path d="M12 7v5.200l3.300 2"/>`,
		"close":        `<path d="m6 6 12 12M18 6 6 18"/>`,
		"codes":        `<rect x="3.500" y="4.500" width="17" height="15" rx="2"/><path d="M7 9.500h4M7 14.500h4M14 9.500h3M14 14.500h3"/>`,
		"copy":         `<rect x="8.500" y="8.500" width="11.500" height="11.500" rx="2"/><path d="M15.500 8.500v-2.500a2 2 0 0 0-2-2H6a2 2 0 0 0-2 2v7.500a2 2 0 0 0 2 2h2.500"/>`,
		"customers":    `<rect x="5" y="3.500" width="14" height="17" rx="1.500"/><path d="M9 8h.01M15 8h.01M9 12h.01M15 12h.01" stroke-width="2.400"/><path d="M10 20.500V17h4v3.500"/>`,
		"dashboard":    `<rect x="3.500" y="3.500" width="7" height="7" rx="1.500"/><rect x="13.500" y="3.500" width="7" height="7" rx="1.500"/><rect x="3.500" y="13.500" width="7" height="7" rx="1.500"/><rect x="13.500" y="13.500" width="7" height="7" rx="1.500"/>`,
		"deliveries":   `<path d="M20.500 4 10.500 14M20.500 4l-6.200 16.500-3.800-6.500L4 10.200 20.500 4Z"/>`,
		"download":     `<path d="M12 4v11m-4.500-4.500L12 15l4.500-4.500M4.500 19.500h15"/>`,
		"edit":         `<path d="m4 20 .9-4L16 4.900a1.500 1.500 0 0 1 2.100 0l1 1a1.500 1.500 0 0 1 0 2.100L8 19.100 4 20Z"/>`,
		"email":        `<rect x="3" y="5.5" width="18" height="13.5" rx="2"/><path d="m3.8 7.2 8.2 6 8.2-6"/>`,
		"approvals":    `<path d="M9 12l2 2 4-4.500"/><rect x="4" y="4" width="16" height="16" rx="3"/>`,
		"exemptions":   `<circle cx="12" cy="12" r="9"/><path d="M12 7v5.200l3.300 2"/>`,
		"exchange":     `<path d="M4.500 8.500h14m-3.500-3.500 3.500 3.500L15 12M19.500 15.500h-14M9 12l-3.500 3.500L9 19"/>`,
		"eye":          `<path d="M2.500 12S6 5.800 12 5.800 21.500 12 21.500 12 18 18.200 12 18.200 2.500 12 2.500 12Z"/><circle cx="12" cy="12" r="2.800"/>`,
		"info":         `<circle cx="12" cy="12" r="9"/><path d="M12 11.200v5.300M12 7.800h.01"/>`,
		"keys":         `<circle cx="8" cy="15.500" r="4"/><path d="m11 12.500 8.500-8.500M16 7.500l2.800 2.800M13.600 9.900l1.800 1.800"/>`,
		"laptop":       `<rect x="5" y="5" width="14" height="10.500" rx="1.500"/><path d="M2.500 19h19"/>`,
		"lock":         `<rect x="5" y="10.500" width="14" height="10" rx="2"/><path d="M8 10.500V8a4 4 0 0 1 8 0v2.500"/>`,
		"menu":         `<path d="M4 6.500h16M4 12h16M4 17.500h16"/>`,
		"methods":      `<rect x="6" y="2.500" width="12" height="19" rx="2.400"/><path d="M10.500 18.500h3m-4.500-9 2.500 2.500L15 8"/>`,
		"next":         `<path d="m9 5.500 6.500 6.500L9 18.500"/>`,
		"ok":           `<circle cx="12" cy="12" r="9"/><path d="m8 12.300 2.700 2.700L16 9.500"/>`,
		"operators":    `<circle cx="9" cy="8" r="3.500"/><path d="M2.800 19.500c.5-3.600 2.900-5.700 6.200-5.700s5.700 2.100 6.200 5.700M15.500 4.800a3.500 3.500 0 0 1 0 6.400M17.500 14.200c2.100.7 3.400 2.600 3.700 5.300"/>`,
		"passkey":      `<circle cx="9" cy="7.500" r="3.500"/><path d="M2.800 19.500c.5-3.700 2.900-6 6.200-6 1.300 0 2.400.3 3.300 1"/><circle cx="17.500" cy="12" r="2.800"/><path d="M17.500 14.800v6l2-1.800M17.500 18h2"/>`,
		"phone":        `<rect x="7" y="2.500" width="10" height="19" rx="2.200"/><path d="M11 18.500h2"/>`,
		"plus":         `<path d="M12 5v14M5 12h14"/>`,
		"print":        `<path d="M7 8.500v-5h10v5M7 17H4.500a1 1 0 0 1-1-1v-5.500a2 2 0 0 1 2-2h13a2 2 0 0 1 2 2V16a1 1 0 0 1-1 1H17"/><rect x="7" y="14" width="10" height="6.500"/>`,
		"resend":       `<path d="M19.500 12a7.500 7.500 0 1 1-2.200-5.300M19.500 4v4.500H15"/>`,
		"search":       `<circle cx="10.500" cy="10.500" r="6.500"/><path d="m15.500 15.500 5 5"/>`,
		"settings":     `<path d="M12 3 5 5.8v5.4c0 4.4 2.9 8 7 9.8 4.1-1.8 7-5.4 7-9.8V5.8L12 3Z"/>`,
		"shield":       `<path d="M12 3 5 5.8v5.4c0 4.4 2.9 8 7 9.8 4.1-1.8 7-5.4 7-9.8V5.8L12 3Z"/>`,
		"shield-check": `<path d="M12 3 5 5.8v5.4c0 4.4 2.9 8 7 9.8 4.1-1.8 7-5.4 7-9.8V5.8L12 3Z"/><path d="m8.8 12 2.3 2.3 4.2-4.6"/>`,
		"sign-out":     `<path d="M13.500 4h-7A1.500 1.500 0 0 0 5 5.500v13A1.500 1.500 0 0 0 6.500 20h7M10 12h10m-3.500-3.500L20 12l-3.500 3.500"/>`,
		"sms":          `<path d="M5 4.5h14a2 2 0 0 1 2 2v8a2 2 0 0 1-2 2h-7L7.5 20v-3.500H5a2 2 0 0 1-2-2v-8a2 2 0 0 1 2-2Z"/><path d="M8 10.500h.01M12 10.500h.01M16 10.500h.01" stroke-width="2.4"/>`,
		"store":        `<path d="M4.500 10v8.500A1.500 1.500 0 0 0 6 20h12a1.500 1.500 0 0 0 1.500-1.500V10M3.500 8.500 5.500 4h13l2 4.500a2.800 2.800 0 0 1-5.600 0 2.800 2.800 0 0 1-5.700 0 2.800 2.800 0 0 1-5.700 0Z"/>`,
		"swap":         `<path d="M4.500 8.500h14m-3.500-3.500 3.500 3.500L15 12M19.500 15.500h-14M9 12l-3.500 3.500L9 19"/>`,
		"totp":         `<rect x="6" y="2.500" width="12" height="19" rx="2.400"/><path d="M10.500 18.500h3M9.500 8h5M9.500 11.500h5"/>`,
		"user":         `<circle cx="12" cy="8" r="4"/><path d="M4.500 20c.6-4 3.600-6.300 7.500-6.300s6.900 2.300 7.500 6.300"/>`,
		"warn":         `<path d="M12 4 2.800 19.500h18.400L12 4Z"/><path d="M12 10v4.500M12 17h.01"/>`,
	}
}
