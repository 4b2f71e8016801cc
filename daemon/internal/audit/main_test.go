package audit_test

import (
	"testing"

	"github.com/bandeja/inboxd/daemon/internal/devstack/stacktest"
)

func TestMain(m *testing.M) { stacktest.Main(m) }
