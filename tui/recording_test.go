package tui

import (
	"bytes"
	"context"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/bandeja/inboxd/admin"
)

// What was recorded in the night is seen in the morning, with its own clock.
func TestRecordingIsPlayed(t *testing.T) {
	t.Parallel()

	source := &fakeSource{answer: busy()}
	var file bytes.Buffer
	recorder := NewRecorder(source, &file)
	for i := range 20 {
		source.answer = busy()
		source.answer.Item.Seq, source.answer.Item.GeneratedAt = int64(i), noon().Add(time.Duration(i)*time.Second)
		source.answer.Item.Vitals.Depth = int64(i)
		for range 2 {
			_, err := recorder.Top(context.Background(), 60)
			require.NoError(t, err)
		}
	}
	require.Equal(t, 20, strings.Count(file.String(), "\n"), "a picture that has not changed is not recorded twice")
	require.Equal(t, 2, strings.Count(file.String(), `"series":{`), "the past moves per step")

	wall := time.Date(2027, 1, 1, 0, 0, 0, 0, time.UTC)
	p, err := NewPlayer(&file, func() time.Time { return wall })
	require.NoError(t, err)
	depth := func() int64 {
		answer, err := p.Top(context.Background(), 60)
		require.NoError(t, err)
		require.NotNil(t, answer.Item.Series)
		return answer.Item.Vitals.Depth
	}
	require.EqualValues(t, 0, depth())
	wall = wall.Add(3 * time.Second)
	require.EqualValues(t, 3, depth())
	require.Equal(t, noon().Add(3*time.Second), p.Now())
	p.Pause()
	wall = wall.Add(time.Hour)
	require.EqualValues(t, 3, depth())
	require.InDelta(t, 2, p.Speed(2), 0)
	p.Pause()
	wall = wall.Add(2 * time.Second)
	require.EqualValues(t, 7, depth(), "twice as fast")
	wall = wall.Add(time.Hour)
	require.EqualValues(t, 19, depth(), "it stays at its end")
	require.Equal(t, noon().Add(19*time.Second), p.Now())

	_, err = NewPlayer(strings.NewReader("{}\nnonsense\n"), time.Now)
	require.ErrorContains(t, err, "line 2")
	_, err = NewPlayer(strings.NewReader(""), time.Now)
	require.ErrorContains(t, err, "empty")
}

// A screen reader hears each thing once, and when it is over.
func TestPlainSaysWhatChanges(t *testing.T) {
	t.Parallel()

	var out bytes.Buffer
	require.NoError(t, Run(context.Background(), Options{Source: &fakeSource{answer: busy()}, Plain: true, Once: true, Out: &out, Now: noon, Target: "prod"}))
	for _, want := range []string{"Plain view of prod", "critical: jobs wait, whatsapp, 1m16s > 1m0s.", "Queue meta_spend is paused by ana.", "Process 17 on node-b is silent.", "SLA of dana at acme: 61%, the goal is 80%."} {
		require.Contains(t, out.String(), want)
	}
	for _, r := range out.String() {
		require.False(t, r >= 0x2500 && r <= 0x28ff, "%q is drawn, not said", r)
	}

	before := map[string]string{}
	for _, s := range sentences(busy().Item) {
		before[s.about] = s.text
	}
	better := busy().Item
	better.Workers, better.Vitals.Depth = better.Workers[1:], 3
	require.Equal(t, []string{"now over: Process 17 on node-b is silent."}, changed(before, sentences(better), "now"))
	require.Empty(t, changed(before, sentences(busy().Item), "now"))
}

// A link from an alert opens what it is about.
func TestStart(t *testing.T) {
	t.Parallel()

	s, err := ParseStart([]string{"jobs", "queue=whatsapp", "state=dead"})
	require.NoError(t, err)
	require.Equal(t, Start{View: "jobs", Selector: admin.Selector{Queue: []string{"whatsapp"}, State: []string{"dead"}}}, s)
	_, err = ParseStart([]string{"jbos"})
	require.ErrorContains(t, err, "try jobs")
	_, err = ParseStart([]string{"jobs", "ogr=acme"})
	require.ErrorContains(t, err, "try org")

	s, ok := startOf("inboxctl jobs list --queue whatsapp --state ready")
	require.True(t, ok)
	require.Equal(t, Start{View: "jobs", Selector: admin.Selector{Queue: []string{"whatsapp"}, State: []string{"ready"}}}, s)
	s, ok = startOf("inboxctl limits list --org acme")
	require.True(t, ok)
	require.Equal(t, "limits", s.View)
	_, ok = startOf("systemctl restart inboxd")
	require.False(t, ok)
	require.Equal(t, jobsView, run(on("9")(), enter()).at, "Enter on an alert goes to what it is about")

	o := newTestModel().options
	o.Once, o.Out, o.Start, o.Window = true, &bytes.Buffer{}, Start{View: "latency", Text: "spend"}, "1h"
	require.NoError(t, Run(context.Background(), withAnswer(o)))
	text := o.Out.(*bytes.Buffer).String()
	require.Contains(t, text, "sync_spend")
	require.NotContains(t, text, "send_template")
	require.Contains(t, text, "1.17s", "the window is one hour")
}

func withAnswer(o Options) Options {
	o.Source = &fakeSource{answer: busy(), jobs: admin.List[admin.Job]{Items: jobRows()}}
	return o
}
