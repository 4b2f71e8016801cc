package httpapi_test

import (
	"testing"

	"go.uber.org/goleak"

	"github.com/bandeja/inboxd/daemon/internal/devstack/stacktest"
)

func TestMain(m *testing.M) {
	// After an unread body net/http lingers half a second before it closes the
	// connection, so that the client sees the answer and not a reset.
	stacktest.Main(m, goleak.IgnoreAnyFunction("net/http.(*conn).closeWriteAndWait"))
}
