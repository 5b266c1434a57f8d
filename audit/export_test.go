package audit

// RecordOf reads a row as its hash sees it.
var RecordOf = recordOf
