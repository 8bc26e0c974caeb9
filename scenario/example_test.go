package scenario

import (
	"errors"
	"fmt"
)

const lobby = `name: lobby
groups:
  hall: {names: [lobby]}
populations:
  guests:
    connections: 3
    join: {hall: 1}
    publish: {rate: 2/s}
phases:
  steady: 1s
`

func ExampleParse() {
	_, err := Parse("lobby.yaml", []byte(lobby), Options{Set: []string{"phases.steady=1"}})
	var problems Problems
	if errors.As(err, &problems) {
		fmt.Print(problems.Format([]byte(lobby)))
	}
	// Output:
	// error: `phases.steady` needs a duration, or a list of stages
	//   --> --set phases.steady=1
	//    |
	//    | phases.steady=1
	//    |               ^ a number without a unit
	//    |
	//    = help: write 1s
	//
	// 1 problem; nothing was run
}

func ExampleScenario_Plan() {
	s, err := Parse("lobby.yaml", []byte(lobby), Options{})
	if err != nil {
		fmt.Println(err)
		return
	}
	plan := s.Plan()
	for publisher := range plan.Publishers {
		for schedule := plan.Schedule(publisher); !schedule.Done(); {
			fmt.Printf("%s sends at %v\n", plan.User(plan.ConnectionOf(publisher)), schedule.Next())
		}
	}
	e := plan.Estimate()
	fmt.Println(e.Publishes, "publishes,", e.Deliveries, "deliveries")
	// Output:
	// user-0 sends at 0s
	// user-0 sends at 500ms
	// user-1 sends at 309.016994ms
	// user-1 sends at 809.016994ms
	// user-2 sends at 118.033989ms
	// user-2 sends at 618.033989ms
	// 6 publishes, 18 deliveries
}
