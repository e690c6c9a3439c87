"""A real Kubernetes node beside the control plane, on a machine that it leaves as it was.

::

    errors, needs       what goes wrong, and what a machine must be
    packages, build     Debian's packages; CoreDNS and the pause program

    place, cgroups      one folder and one name for all that the machine has of a run
    janitor             removes both, however the run ends
    enclosure, init     a command in namespaces of its own, and the first process in them

    inside              what runs there: control plane, node, and the command or a person's visit
    mounts, network     its files, kernel settings and addresses
    containerd, kubelet, scheduler, proxy, dns
                        one server each
    pause               the image that holds a pod's namespaces
    node                Node: all of it
    restart             a node that fails and comes back
    postgresql          the PostgreSQL that deploy/config.yaml names, as pods reach it
    wire                what pods send to it: encrypted, or in clear
    kubectl             as a person calls it
    visit, switch       how a person gets in, and turns PostgreSQL off and on
    program             of the command that it is for
    kind, creation, gateway
                        the same tests on kind, a cluster that is cut off while it is made, and
                        where pods there reach this machine

Why all of it shares one set of namespaces: docs/adr/0009-a-node-in-one-enclosure.md.

`python -m tests.node up` starts one for a person, `run -- COMMAND` for a command.
"""
