package ledger

// relaxedCommit is a condition that holds always and lets the commit of its
// transaction return before the record is on disk. It stands in what promises
// nothing to anybody: a crash of the server may then undo the last such commits,
// nothing else, and whatever commits later takes them to the disk with it. It is a
// part of the statement, because a statement of its own costs as much as a NOTIFY.
const relaxedCommit = `(SELECT set_config('synchronous_commit', 'off', true)) = 'off'`
