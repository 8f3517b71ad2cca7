// The application of the demo on a cluster of the user's own, and of the tests on kind: answers each request with its version.
// A word in the version makes it fail: exit3 its self-test, crash its start, unready its readiness.
package main

import (
	"fmt"
	"net/http"
	"os"
	"strings"
)

func is(word string) bool { return strings.Contains(os.Getenv("VERSION"), word) }

// selfTest is what a check runs before the version reaches any workload.
func selfTest() {
	if is("exit3") {
		fmt.Fprintln(os.Stderr, "self-test: the table orders has no column currency")
		os.Exit(3)
	}
	fmt.Println("self-test: ok")
}

func main() {
	if len(os.Args) > 1 && os.Args[1] == "--self-test" {
		selfTest()
		return
	}
	if is("crash") {
		fmt.Fprintln(os.Stderr, "cannot read the settings: no such file")
		os.Exit(1)
	}
	http.HandleFunc("/ready", func(w http.ResponseWriter, _ *http.Request) {
		if is("unready") {
			http.Error(w, "the cache is empty", http.StatusServiceUnavailable)
		}
	})
	http.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprintln(w, "web", os.Getenv("VERSION"))
	})
	if err := http.ListenAndServe(":8080", nil); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
