package faultstest_test

import (
	"fmt"
	"slices"
	"sync"
	"time"
)

// journal is what customers and agents saw. Safe for concurrent use.
type journal struct {
	mu       sync.Mutex
	jobs     []int64     // of every 202, each once
	statuses map[int]int // 0: no answer
	wrongs   []string    // answers that nothing excuses, the first of them
	more     int         // and how many came after
	gaveUp   int         // writes that never got an answer
	longest  time.Duration
}

func newJournal() *journal { return &journal{statuses: map[int]int{}} }

func (j *journal) accept(id int64) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.jobs = append(j.jobs, id)
}

func (j *journal) answered(status int, took time.Duration) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.statuses[status]++
	j.longest = max(j.longest, took)
}

func (j *journal) giveUp() {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.gaveUp++
}

// mostWrongs is how many answers are shown: a whole outage says the same again
// and again.
const mostWrongs = 20

func (j *journal) wrong(format string, args ...any) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if len(j.wrongs) == mostWrongs {
		j.more++
		return
	}
	j.wrongs = append(j.wrongs, fmt.Sprintf("%s "+format, append([]any{time.Now().Format("15:04:05.000")}, args...)...))
}

// accepted returns the jobs of all 202s.
func (j *journal) accepted() []int64 {
	j.mu.Lock()
	defer j.mu.Unlock()
	return slices.Clone(j.jobs)
}

// complaints returns the answers that nothing excuses.
func (j *journal) complaints() []string {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.more > 0 {
		return append(slices.Clone(j.wrongs), fmt.Sprintf("and %d more wrong answers", j.more))
	}
	return slices.Clone(j.wrongs)
}

// String sums the answers up.
func (j *journal) String() string {
	j.mu.Lock()
	defer j.mu.Unlock()
	return fmt.Sprintf("%d accepted, %d given up, answers by status %v, the slowest after %s",
		len(j.jobs), j.gaveUp, j.statuses, j.longest.Round(time.Millisecond))
}
