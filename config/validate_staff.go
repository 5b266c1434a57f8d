package config

// staff checks the limits of operators: at least one of each, and no more in an hour than in a day.
func (k checker) staff(s Staff) {
	for _, limit := range []struct {
		key       string
		hour, day int
	}{
		{"staff.resets", s.ResetsPerHour, s.ResetsPerDay},
		{"staff.switch_offs", s.SwitchOffsPerHour, s.SwitchOffsPerDay},
		{"staff.password_links", s.PasswordLinksPerHour, s.PasswordLinksPerDay},
		{"staff.unmasks", s.UnmasksPerHour, s.UnmasksPerDay},
	} {
		k.within(limit.key+"_per_hour", limit.hour, 1, 1000)
		k.within(limit.key+"_per_day", limit.day, 1, 1000)
		k.check(limit.key+"_per_hour", limit.hour <= limit.day, "it is more than "+limit.key+"_per_day", "lower it or raise "+limit.key+"_per_day")
	}
}
