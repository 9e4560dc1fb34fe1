/** etcd: requests, watches, leases. */
