package web

import "strings"

// deviceName names a browser and what it runs on, from what it says of itself:
// a label for its owner, never an identity. "" if it says nothing known.
func deviceName(userAgent string) string {
	browser := firstOf(userAgent, [][2]string{
		{"Edg", "Edge"},
		{"OPR/", "Opera"},
		{"SamsungBrowser/", "Samsung Internet"},
		{"Firefox/", "Firefox"},
		{"FxiOS/", "Firefox"},
		{"CriOS/", "Chrome"},
		{"Chrome/", "Chrome"},
		{"Safari/", "Safari"},
		{"curl/", "curl"},
	})
	system := firstOf(userAgent, [][2]string{
		{"iPhone", "iPhone"},
		{"iPad", "iPad"},
		{"Android", "Android"},
		{"CrOS", "ChromeOS"},
		{"Windows", "Windows"},
		{"Macintosh", "macOS"},
		{"Linux", "Linux"},
	})
	return strings.Trim(browser+" · "+system, " ·")
}

// firstOf returns the name of the first sign that a text holds. The order
// matters: most browsers also say that they are others.
func firstOf(text string, signs [][2]string) string {
	for _, s := range signs {
		if strings.Contains(text, s[0]) {
			return s[1]
		}
	}
	return ""
}
