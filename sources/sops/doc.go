// Package sops is a tree that decrypts itself when read. Files that SOPS
// encrypted, whole or document by document, read as plaintext; every other file
// passes through as it is, after one scan for a word.
//
// What it holds to:
//
//   - Keys come from configured files only. There is no environment, no home
//     directory, no agent, no gpg program and no cloud behind it: a commit must
//     not choose which of the host's credentials are used.
//   - The MAC is always checked. A file of several documents that was encrypted
//     as a whole is checked as a whole; one that was put together of documents
//     encrypted each by itself is checked document by document.
//   - Plaintext lives in memory only and is in no error: the words of the
//     library, which quote what they stumble over, are not passed on.
//   - Values of Kubernetes-like documents are decrypted where they stand, so
//     that every line of the file keeps its number.
//   - Files are regular, at most 5 MiB, and have at most 20 recipients.
package sops
