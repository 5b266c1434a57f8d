package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// ticksPerSecond is the unit of /proc: USER_HZ, which is 100 on every Linux.
const ticksPerSecond = 100

// stat is what /proc says of a process: its parent, and processor time of its own and of the children it has waited for.
type stat struct {
	parent        int
	own, children float64 // seconds
}

func readStat(pid int) (stat, error) {
	raw, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "stat"))
	if err != nil {
		return stat{}, err
	}
	// The name, in parentheses, may hold anything; what follows is numbers.
	_, rest, ok := strings.Cut(string(raw[strings.LastIndexByte(string(raw), ')'):]), " ")
	fields := strings.Fields(rest)
	if !ok || len(fields) < 15 {
		return stat{}, fmt.Errorf("/proc/%d/stat cannot be read", pid)
	}
	number := func(i int) float64 {
		v, convErr := strconv.ParseFloat(fields[i], 64)
		err = errors.Join(err, convErr)
		return v
	}
	// proc(5) counts from 1 and begins with pid and name: state is field 3, ppid 4, utime 14.
	return stat{parent: int(number(1)), own: (number(11) + number(12)) / ticksPerSecond, children: (number(13) + number(14)) / ticksPerSecond}, err
}

// processorTime is what one process has used, in seconds.
func processorTime(pid int) (float64, error) {
	s, err := readStat(pid)
	return s.own, err
}

// familyTime is what a process and all its children have used, those that are gone included.
func familyTime(pid int) (float64, error) {
	s, err := readStat(pid)
	if err != nil {
		return 0, err
	}
	total := s.own + s.children
	entries, err := os.ReadDir("/proc")
	if err != nil {
		return 0, err
	}
	for _, e := range entries {
		child, err := strconv.Atoi(e.Name())
		if err != nil {
			continue
		}
		if s, err := readStat(child); err == nil && s.parent == pid { // one that has just ended counts as its parent's
			total += s.own + s.children
		}
	}
	return total, nil
}

// residentMB is how much memory a process holds.
func residentMB(pid int) (float64, error) {
	raw, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "status"))
	if err != nil {
		return 0, err
	}
	for line := range strings.Lines(string(raw)) {
		if v, ok := strings.CutPrefix(line, "VmRSS:"); ok {
			kb, err := strconv.ParseFloat(strings.Fields(v)[0], 64)
			return kb / 1024, err
		}
	}
	return 0, errors.New("no VmRSS in /proc")
}
