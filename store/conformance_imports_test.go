package store_test

import (
	"time"

	"github.com/futakagi/futakagi/store"
)

// What the import's rows are called, beside those of the scenario.
const (
	moved = 5000 + iota
	movedCustomer
	movedGroup
	movedFactor
	movedBatch
	job
)

// importScenario calls the queries of imports and exports, after those of the scenario.
func importScenario() []step {
	run, person := id[store.ImportID](job), id[store.AccountID](moved)
	place := id[store.UserGroupID](movedGroup)
	end := after(time.Minute)
	return []step{
		{"InsertCustomer", store.InsertCustomerParams{ID: id[store.CustomerID](movedCustomer), Code: "M-1", Name: "見本", Now: t0}, ok},
		{"InsertUserGroup", store.InsertUserGroupParams{ID: place, CustomerID: id[store.CustomerID](movedCustomer), Name: "本社", Now: t0}, ok},
		{"GetCustomerByCode", "M-1", has("Name", "見本")},
		{"GetCustomerByCode", "m-1", fails(store.ErrNotFound)},
		{"GetUserGroupByName", store.GetUserGroupByNameParams{CustomerID: id[store.CustomerID](movedCustomer), Name: "本社"}, has("CreatedAt", t0)},
		{"GetUserGroupByName", store.GetUserGroupByNameParams{CustomerID: id[store.CustomerID](movedCustomer), Name: "支店"}, fails(store.ErrNotFound)},
		{"InsertImportedAccount", store.InsertImportedAccountParams{ID: person, Kind: "store", LoginID: "Moved", LoginKey: "moved", Role: "buyer", UserGroupID: &place, PasswordHash: "$a", TwoFactor: "use", DisabledAt: &t0, Now: t0}, ok},
		{"InsertImportedAccount", store.InsertImportedAccountParams{ID: id[store.AccountID](moved + 1000), Kind: "store", LoginKey: "moved", TwoFactor: "use", Now: t0}, fails(store.ErrConflict)},
		{"GetImportTarget", store.GetImportTargetParams{Kind: "store", LoginKey: "moved"}, has("RowDigest", nil)},
		{"GetImportTarget", store.GetImportTargetParams{Kind: "operator", LoginKey: "moved"}, fails(store.ErrNotFound)},
		{"InsertImportJob", store.InsertImportJobParams{ID: run, FileHash: []byte("hash"), FileName: "people.csv", Options: "csv", State: "uploading", ActorID: "somebody", Now: t0}, ok},
		{"FinishImportUpload", store.FinishImportUploadParams{ID: run, FileHash: []byte("whole"), Now: t0}, rows(1)},
		{"FinishImportUpload", store.FinishImportUploadParams{ID: run, FileHash: []byte("again"), Now: t0}, rows(0)},
		{"ListImportWork", t0, length(1)},
		{"ListImportWork", after(-time.Minute), length(0)},
		{"ClaimImportJob", store.ClaimImportJobParams{ID: run, State: "uploaded", Former: t0, Now: end}, rows(1)},
		{"ClaimImportJob", store.ClaimImportJobParams{ID: run, State: "uploaded", Former: t0, Now: end}, rows(0)},
		{"TouchImportJob", store.TouchImportJobParams{ID: run, Now: t0}, ok},
		{"FinishImportCheck", store.FinishImportCheckParams{ID: run, RowsTotal: 3, Created: 2, Refused: 1, Now: t0}, rows(1)},
		{"GetImportJob", run, has("State", "checked")},
		{"RecheckImportJob", store.RecheckImportJobParams{ID: run, ActorID: "another", Now: t0}, rows(1)},
		{"RecheckImportJob", store.RecheckImportJobParams{ID: run, ActorID: "third", Now: t0}, rows(0)},
		{"FinishImportCheck", store.FinishImportCheckParams{ID: run, RowsTotal: 1, Created: 1, Now: t0}, rows(1)},
		{"StartImportJob", store.StartImportJobParams{ID: run, ActorID: "another", Now: t0}, rows(1)},
		{"StartImportJob", store.StartImportJobParams{ID: run, ActorID: "third", Now: t0}, rows(0)},
		{"GetOpenImportJob", store.GetOpenImportJobParams{FileHash: []byte("whole"), Options: "csv", ActorID: "another"}, has("RowsDone", int64(0))},
		{"AdvanceImportJob", store.AdvanceImportJobParams{ID: run, RowsDone: 2, Created: 2, Now: t0, Former: 0}, rows(1)},
		{"AdvanceImportJob", store.AdvanceImportJobParams{ID: run, RowsDone: 2, Created: 2, Now: t0, Former: 0}, rows(0)},
		{"InsertImportChunk", store.InsertImportChunkParams{JobID: run, Number: 0, DataSealed: []byte("sealed")}, ok},
		{"GetImportChunk", store.GetImportChunkParams{JobID: run, Number: 0}, ok},
		{"GetImportChunk", store.GetImportChunkParams{JobID: run, Number: 1}, fails(store.ErrNotFound)},
		{"UpsertImportFinding", store.UpsertImportFindingParams{JobID: run, Number: 1, Line: 2, Field: "role", Refused: true, Reason: "r"}, ok},
		{"UpsertImportFinding", store.UpsertImportFindingParams{JobID: run, Number: 1, Line: 2, Field: "role", Refused: true, Reason: "s"}, ok},
		{"ListImportFindings", store.ListImportFindingsParams{JobID: run, After: -1, PageSize: 10}, length(1)},
		{"CountImportFindings", run, ok},
		{"DeleteImportFindings", run, rows(1)},
		{"UpsertAccountImport", store.UpsertAccountImportParams{AccountID: person, ExternalID: "7", RowDigest: []byte("r"), HashDigest: []byte{}, JobID: run, Now: t0}, ok},
		{"GetImportTarget", store.GetImportTargetParams{Kind: "store", LoginKey: "moved"}, has("RowDigest", []byte("r"))},
		{"SetImportedPassword", store.SetImportedPasswordParams{ID: person, PasswordHash: "$b", Now: t0}, rows(1)},
		{"SetAccountGroup", store.SetAccountGroupParams{ID: person, UserGroupID: &place, Now: t0}, rows(1)},
		{"UpsertImportedFactor", store.UpsertImportedFactorParams{ID: id[store.FactorID](movedFactor), AccountID: person, Kind: "email", Address: "a@example.jp", Main: true, VerifiedAt: t0, Now: t0}, ok},
		{"InsertImportedBatch", store.InsertImportedBatchParams{ID: id[store.BatchID](movedBatch), AccountID: person, Now: t0}, ok},
		{"InsertBackupCode", store.InsertBackupCodeParams{BatchID: id[store.BatchID](movedBatch), Selector: "AB", CodeHash: "$c"}, ok},
		{"ListBackupCodes", id[store.BatchID](movedBatch), length(1)},
		{"ListExportAccounts", store.ListExportAccountsParams{Kind: "store", AfterKey: "movec", PageSize: 1}, length(1)},
		{"ListExportFactors", store.ListExportFactorsParams{Kind: "store", AfterKey: "movec", LastKey: "moved"}, length(1)},
		{"ListExportCodes", store.ListExportCodesParams{Kind: "store", AfterKey: "movec", LastKey: "moved"}, length(1)},
		{"EndImportJob", store.EndImportJobParams{ID: run, State: "done", Now: end, Former: "running"}, rows(1)},
		{"ExpireImportJobs", store.ExpireImportJobsParams{Reason: "r", Now: &end, Before: end}, rows(0)},
		{"SweepImportChunks", nil, rows(1)},
		{"DeleteImportChunks", run, rows(0)},
	}
}
