package ledger

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/bandeja/inboxd/daemon/internal/job/inspect"
)

// loadParts counts each state in the order of an index that has the orgs. %s
// narrows to one.
const loadParts = `
SELECT org_id, queue, 1::smallint AS state, count(*), (extract(epoch FROM clock_timestamp() - min(ready_at)) * 1000)::double precision
FROM jobs j WHERE state = 1%[1]s GROUP BY org_id, queue
UNION ALL
SELECT org_id, 0::smallint, 3::smallint, count(*), NULL FROM jobs j WHERE state IN (2, 3)%[1]s GROUP BY org_id
UNION ALL
SELECT org_id, 0::smallint, 4::smallint, count(*), NULL FROM jobs j WHERE state = 4 AND ` + tallied + `%[1]s GROUP BY org_id
UNION ALL
SELECT org_id, 0::smallint, 6::smallint, count(*), NULL FROM jobs j WHERE state = 6 AND ` + tallied + `%[1]s GROUP BY org_id`

// OrgLoads tells what every org has to do that has any: one look for all views
// of orgs. orgID 0 means all.
func (l *Ledger) OrgLoads(ctx context.Context, orgID int64) (loads []inspect.OrgLoad, err error) {
	own, args := "", []any{}
	if orgID != 0 {
		own, args = " AND org_id = $1", []any{orgID}
	}
	err = l.wide(ctx, fmt.Sprintf(loadParts, own), args, func(rows pgx.Rows) (err error) {
		loads, err = pgx.CollectRows(rows, scanOrgLoad)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("count what orgs have to do: %w", err)
	}
	return loads, nil
}

func scanOrgLoad(row pgx.CollectableRow) (o inspect.OrgLoad, err error) {
	var oldestMS *float64
	err = row.Scan(&o.OrgID, &o.Queue, &o.State, &o.N, &oldestMS)
	if oldestMS != nil {
		age := time.Duration(max(*oldestMS, 0) * float64(time.Millisecond))
		o.Oldest = &age
	}
	return o, err
}
