// Package backup turns the documents that declare backups, restores and offset
// resets into what is wanted: policies that run on a schedule, and jobs that are
// carried out once. The rooms below it copy, keep and give back; work runs what
// is declared here.
package backup

import (
	"github.com/ottla-io/ottla/reconcile"
	"github.com/ottla-io/ottla/reconcile/strict"
)

// Decoders read every kind of document that is about backups.
func Decoders() []reconcile.Decoder {
	return []reconcile.Decoder{
		backupDecoder{}, restoreDecoder{}, resetDecoder{}, rollbackDecoder{}, validationDecoder{},
		strict.Refused("forbids things; this version cannot enforce it, so it is refused", "ottla.io/v1alpha1/MaskingPolicy"),
		strict.Refused(translateBackup, "kafkabackup.com/v1alpha1/KafkaBackup"),
		strict.Refused(translateRestore, "kafkabackup.com/v1alpha1/KafkaRestore"),
	}
}

// Documents describes the kinds that Decoders read.
func Documents() []reconcile.DocumentKind {
	return []reconcile.DocumentKind{backupKind(), restoreKind(), offsetResetKind(), offsetRollbackKind(), validationKind()}
}

// NameRefs lists the fields that hold the name of another document.
func NameRefs() []reconcile.NameRef { return strict.NameRefsOf(Documents()...) }

func versions() []string { return []string{"kafka.oso.sh/v1alpha1"} }

const translateBackup = "this is another operator's kind; write it as kafka.oso.sh/v1alpha1: " +
	"strimziClusterRef becomes kafkaCluster.bootstrapServers with its tlsSecret or saslSecret, " +
	"storage.type becomes storage.storageType, schedule.cron becomes schedule, " +
	"retention.maxBackups becomes retention.keepLast and retention.maxAge becomes retention.maxAgeDays"

const translateRestore = "this is another operator's kind; write it as kafka.oso.sh/v1alpha1: " +
	"strimziClusterRef becomes kafkaCluster.bootstrapServers with its tlsSecret or saslSecret, " +
	"and the backup is named by backupRef.name"
