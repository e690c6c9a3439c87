// Command kube-apiserver is the upstream server, built from the pinned module.
package main

import (
	"os"
	_ "time/tzdata" // CronJob.spec.timeZone is validated here, and a slim machine has no zone files

	"k8s.io/component-base/cli"
	_ "k8s.io/component-base/metrics/prometheus/clientgo"
	_ "k8s.io/component-base/metrics/prometheus/version"
	"k8s.io/kubernetes/cmd/kube-apiserver/app"
)

func main() {
	os.Exit(cli.Run(app.NewAPIServerCommand()))
}
