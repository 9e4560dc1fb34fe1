/** What hosts are meant to run: documents, revisions, the target. */
