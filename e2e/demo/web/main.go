// The application of the demo on a cluster of the user's own: answers each request with its version.
package main

import (
	"fmt"
	"net/http"
	"os"
	"strings"
)

// selfTest is what a check runs before the version reaches any workload. A version named so fails it.
func selfTest() {
	if strings.Contains(os.Getenv("VERSION"), "exit3") {
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
	http.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprintln(w, "web", os.Getenv("VERSION"))
	})
	if err := http.ListenAndServe(":8080", nil); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
