module github.com/bandeja/inboxd/validate

go 1.26.0
