package metasim

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"net/http"
	"strconv"
)

// sinceOf reads ?since, 0 if absent.
func sinceOf(w http.ResponseWriter, r *http.Request) (int64, bool) {
	given := r.URL.Query().Get("since")
	if given == "" {
		return 0, true
	}
	n, err := strconv.ParseInt(given, 10, 64)
	if err != nil {
		refuse(w, http.StatusBadRequest, errors.New("since must be a whole number"))
	}
	return n, err == nil
}

// read decodes a request body strictly and answers 400 if it cannot.
func read(w http.ResponseWriter, r *http.Request, into any) bool {
	d := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxBody))
	d.DisallowUnknownFields()
	if err := d.Decode(into); err != nil && !errors.Is(err, io.EOF) {
		refuse(w, http.StatusBadRequest, fmt.Errorf("read body: %w", err))
		return false
	}
	return true
}

func replyOr(w http.ResponseWriter, status int, v any, err error) {
	if err != nil {
		refuse(w, http.StatusBadRequest, err)
		return
	}
	reply(w, status, v)
}

func refuse(w http.ResponseWriter, status int, err error) {
	reply(w, status, map[string]string{"error": err.Error()})
}

func reply(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v) // The caller may be gone; that is its concern.
}

func replyLines(w http.ResponseWriter, records iter.Seq[any]) {
	w.Header().Set("Content-Type", "application/jsonl")
	e := json.NewEncoder(w)
	for rec := range records {
		if e.Encode(rec) != nil {
			return
		}
	}
}

func values[T any](list []T) iter.Seq[any] {
	return func(yield func(any) bool) {
		for _, v := range list {
			if !yield(v) {
				return
			}
		}
	}
}
