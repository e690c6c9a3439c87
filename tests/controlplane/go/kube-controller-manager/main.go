// Command kube-controller-manager is the upstream server, built from the pinned module.
package main

import (
	"os"
	_ "time/tzdata" // CronJob.spec.timeZone is computed here, and a slim machine has no zone files

	"k8s.io/component-base/cli"
	_ "k8s.io/component-base/metrics/prometheus/clientgo"
	_ "k8s.io/component-base/metrics/prometheus/version"
	"k8s.io/kubernetes/cmd/kube-controller-manager/app"
)

func main() {
	os.Exit(cli.Run(app.NewControllerManagerCommand()))
}
