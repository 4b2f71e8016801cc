package meta

import (
	"bytes"
	"net/http"
	"strconv"

	"github.com/bandeja/inboxd/daemon/internal/inbox"
	"github.com/bandeja/inboxd/daemon/internal/job"
)

// Classify returns what an HTTP answer of Meta means. The error code decides;
// the HTTP status counts only where there is no code we know. For WhatsApp and
// Instagram the call was a send: a success has a Message effect, and an answer
// that proves neither success nor refusal is a Doubt. Detail holds no token
// and no phone number.
func Classify(product Product, httpStatus int, body []byte, header http.Header) job.Result {
	answer := decodeAnswer(body)
	e, isError := graphErrorOf(answer)
	var r rule
	switch {
	case isError:
		r = lookup(product, e)
		if r.class == job.ClassUnknown {
			r.class = unknownCodeClass(product, httpStatus)
		}
	case httpStatus >= 200 && httpStatus <= 299:
		return success(product, answer)
	default:
		r.class = bareClass(product, httpStatus)
		e.text = "HTTP " + strconv.Itoa(httpStatus) + " without an error code"
	}
	return r.result(e, header)
}

// decodeAnswer reads the body of an answer, cleaned like a webhook; nil if it is
// no JSON object.
func decodeAnswer(body []byte) object {
	cleaned, err := clean(bytes.TrimSpace(body))
	if err != nil {
		return nil
	}
	answer, _ := decodeObject(cleaned.out)
	return answer
}

// result turns a matched rule into an outcome.
func (r rule) result(e graphError, header http.Header) job.Result {
	result := job.Result{
		Verdict: r.verdict, Class: r.class, Code: e.code, Detail: redact(e.text),
	}
	if result.Verdict == job.Succeed {
		result.Verdict = verdictOf(r.class)
	}
	switch result.Verdict {
	case job.Throttle:
		if result.Scope = r.scope; result.Scope == job.ScopeNone {
			result.Scope = scopeOf(r.class)
		}
		result.RetryAfter = max(r.wait, waitOf(header))
	case job.Retry:
		result.RetryAfter = max(r.wait, retryAfter(header))
	default:
		result.RetryAfter = r.wait
	}
	if result.Verdict == job.Retry || result.Verdict == job.Fail {
		result.Scope = r.scope
	}
	return result
}

// unknownCodeClass falls back on the HTTP status of an error with a code nobody
// has seen. Meta did answer, so nothing was sent.
func unknownCodeClass(product Product, status int) job.Class {
	switch {
	case status == http.StatusTooManyRequests:
		return throttleOf(product)
	case status >= http.StatusInternalServerError:
		return job.ClassTransient
	}
	return job.ClassUnknown
}

// bareClass falls back on the HTTP status of an answer without an error
// object: it may come from a proxy on the way, after Meta took the request.
func bareClass(product Product, status int) job.Class {
	switch {
	case status == http.StatusTooManyRequests:
		return throttleOf(product)
	case status == http.StatusServiceUnavailable, status == http.StatusRequestTimeout:
		return job.ClassTransient
	case status >= http.StatusInternalServerError:
		return doubtOf(product)
	}
	return job.ClassUnknown
}

// throttleOf is the narrowest throttle a bare 429 can mean.
func throttleOf(product Product) job.Class {
	switch product {
	case Marketing:
		return job.ClassThrottleAccount
	case Token:
		return job.ClassThrottleApp
	default:
		return job.ClassThrottleNumber
	}
}

// doubtOf is the class of an answer that proves nothing. A read may be
// repeated.
func doubtOf(product Product) job.Class {
	if product == Marketing {
		return job.ClassTransient
	}
	return job.ClassAmbiguous
}

// success reads a 2xx answer without an error object.
func success(product Product, answer object) job.Result {
	var class job.Class
	var effect *job.MessageEffect
	switch product {
	case WhatsApp:
		class, effect = whatsAppAnswer(answer)
	case Instagram:
		class, effect = instagramAnswer(answer)
	case Marketing:
		class = marketingAnswer(answer)
	default:
		class = tokenAnswer(answer)
	}
	result := job.Result{Verdict: verdictOf(class), Class: class, Message: effect}
	if class != job.ClassOK && class != job.ClassOKHeld {
		result.Detail = "success without the expected content"
	}
	return result
}

// whatsAppAnswer reads the wamid. "Accepted" is all it says of the message.
func whatsAppAnswer(answer object) (job.Class, *job.MessageEffect) {
	messages, _ := answer.list("messages")
	if len(messages) == 0 {
		return job.ClassAmbiguous, nil
	}
	message, _ := decodeObject(messages[0])
	id := message.text("id")
	if id == "" || len(id) > maxID {
		return job.ClassAmbiguous, nil
	}
	class := job.ClassOK
	if status := message.text("message_status"); status == "held_for_quality_assessment" || status == "paused" {
		class = job.ClassOKHeld
	}
	effect := &job.MessageEffect{Status: inbox.Accepted, ProviderID: id}
	if contacts, _ := answer.list("contacts"); len(contacts) > 0 {
		contact, _ := decodeObject(contacts[0])
		effect.WaID = addressOf(contact.text("wa_id"), "").WaID
	}
	return class, effect
}

func instagramAnswer(answer object) (job.Class, *job.MessageEffect) {
	id := answer.text("message_id")
	if id == "" || len(id) > maxID {
		return job.ClassAmbiguous, nil
	}
	return job.ClassOK, &job.MessageEffect{Status: inbox.Sent, ProviderID: id}
}

// marketingAnswer tells a report run that failed; it comes with HTTP 200.
func marketingAnswer(answer object) job.Class {
	switch status := answer.text("async_status"); {
	case answer == nil:
		return job.ClassTransient
	case status == "Job Failed", status == "Job Skipped":
		return job.ClassReportFailed
	}
	return job.ClassOK
}

// tokenAnswer tells an invalid token, which debug_token reports with HTTP 200.
func tokenAnswer(answer object) job.Class {
	data := answer.object("data")
	switch {
	case answer == nil:
		return job.ClassAmbiguous
	case data.raw("is_valid") != nil && !data.flag("is_valid"):
		return job.ClassAuth
	}
	return job.ClassOK
}
