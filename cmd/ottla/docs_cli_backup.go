package main

// cliBackupJSON says what the commands of backups print.
const cliBackupJSON = `
` + "`backup now`" + `: ` + "`store, backup{namespace,name,cluster}, point, taken, topics, records, bytes, storedBytes, objects, requests, gone, seconds, alerts[], notes[]`" + `; records, bytes and objects are what was new. Run by an agent, the job.
` + "`backup list`" + `: ` + "`store, backups[]`" + `, each with ` + "`backup, points[], older, restores[], unreadable[], damaged[]`" + `; a point has ` + "`number, kind, taken, parent, topics, partitions, records, newBytes, totalBytes, newPackBytes, state`" + ` (good, damaged, dropped)` + "`, why, pinned, notes[], signer, verified{level,good,found[],when,by}`" + `.
` + "`backup show`" + `: a point as above, and ` + "`began, ended, written, writer, software, encrypted, newPacks, standsOn[], verifications[], contents[], groups[], shareGroups[], acls[], quotas[], users[], restores[], unreadable[], damaged[]`" + `. ` + "`contents[]`" + ` are topics with ` + "`partitions[]`" + `: ` + "`partition, start, end, high, why, gaps[], records, bytes, rawBytes, firstTime, lastTime, gone{control,aborted,compacted,lost}`" + `; offsets are [start, end).
` + "`backup verify`" + `: a list of ` + "`point, level, good, found[], digests[], began, ended, by`" + `.
` + "`backup extract`" + `: ` + "`point, format, output, files, records, bytes`" + `. ` + "`backup retain`" + `: ` + "`dryRun, points[], freedBytes, swept`" + `; a point has ` + "`point, taken`" + ` and either ` + "`keep[]`" + ` or ` + "`drop`" + `. ` + "`backup repair`" + `: ` + "`dryRun, whole, point, topics, configured, groups[], acls, quotas, lost[]`" + `.
` + "`restore --dry-run`" + `: ` + "`name, point, taken, exact, topics[], groups[], users[], acls, quotas, records, bytes, problems[], notes[]`" + `; ` + "`restore`" + ` adds ` + "`restored, rawBytes, encoded, left[], proof[], unequal[], snapshot, began, took, files[], signed`" + ` (nanoseconds), and to each topic ` + "`restored`" + `.
` + "`drill`" + `: the evidence, ` + "`version, kind, backup, point, taken, target, proves, passed, checks[], digests[], began, ended, by, software, files[], signed`" + `.
` + "`job`" + `: a list of ` + "`id, cluster, state, text, done, total, unit, point, began, ended, next`" + `.
`
